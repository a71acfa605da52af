/** A chart's numbers as tables: what is shown in place of the picture, and written as CSV. */

import { csv, number } from "@/format";
import type { ChartSpec, Column, Panel, Series } from "./spec";

export type Value = number | string | null;

export interface Table {
  head: string[];
  rows: Value[][];
  /** Digits after the point of each column; null for text and moments. */
  digits: (number | null)[];
  /** Whether the first column holds moments. */
  moments: boolean;
}

interface Part {
  name: string;
  values: Column;
  digits: number;
}

/** Tables of a chart: values over the same x in one, the others each in their own. */
export function tablesOf(spec: ChartSpec): Table[] {
  const shared = spec.panels.flatMap((panel) =>
    panel.series.filter(isFunction).map((series) => ({ panel, series })),
  );
  const own = spec.panels.flatMap((panel) => panel.series.flatMap((series) => ownTable(spec, panel, series)));
  return shared.length > 0 ? [joined(spec, shared), ...own] : own;
}

type Over = Exclude<Series, { kind: "points" | "bars" | "segments" }>;
const isFunction = (series: Series): series is Over =>
  series.kind === "line" || series.kind === "range" || series.kind === "band";

function partsOf(panel: Panel, series: Over): Part[] {
  const unit = panel.unit ? `, ${panel.unit}` : "";
  const part = (name: string, values: Column): Part => ({
    name: `${name}${unit}`,
    values,
    digits: panel.digits ?? 2,
  });
  if (series.kind === "line") return [part(series.name, series.y)];
  if (series.kind === "band")
    return [part(`${series.name} low`, series.low), part(`${series.name} high`, series.high)];
  const equal = series.min === series.max;
  const mean = part(series.name, series.mean);
  if (equal) return [mean];
  return [
    part(`${series.name} min`, series.min),
    part(`${series.name} mean`, series.mean),
    part(`${series.name} max`, series.max),
  ];
}

function joined(spec: ChartSpec, all: { panel: Panel; series: Over }[]): Table {
  const xs = [...new Set(all.flatMap(({ series }) => [...series.x]))].sort((a, b) => a - b);
  const places = new Map(xs.map((x, i) => [x, i]));
  const rows: Value[][] = xs.map((x) => [x]);
  const head = [xHead(spec)];
  const digits: (number | null)[] = [null];
  for (const { panel, series } of all) {
    for (const part of partsOf(panel, series)) {
      for (const row of rows) row.push(null);
      const column = head.length;
      series.x.forEach((x, i) => {
        const row = rows[places.get(x) ?? -1];
        if (row) row[column] = part.values[i] ?? null;
      });
      head.push(part.name);
      digits.push(part.digits);
    }
  }
  return { head, rows, digits, moments: spec.x.kind === "time" };
}

const xHead = (spec: ChartSpec): string => (spec.x.unit ? `${spec.x.label}, ${spec.x.unit}` : spec.x.label);

function ownTable(spec: ChartSpec, panel: Panel, series: Series): Table[] {
  const digits = panel.digits ?? 2;
  const value = panel.unit ? `${series.name}, ${panel.unit}` : series.name;
  const moments = spec.x.kind === "time";
  if (series.kind === "bars") {
    const rows = series.from.map((from, i): Value[] => [from, series.to[i] ?? null, series.y[i] ?? null]);
    return [{ head: [`${xHead(spec)} from`, "to", value], rows, digits: [null, null, digits], moments }];
  }
  if (series.kind !== "points") return [];
  const { ids } = series;
  const rows = series.x.map((x, i): Value[] => [x, series.y[i] ?? null, ...(ids ? [ids[i] ?? ""] : [])]);
  return [
    { head: [xHead(spec), value, ...(ids ? ["Name"] : [])], rows, digits: [null, digits, null], moments },
  ];
}

/** A cell of the table as it is shown. */
export function cellText(value: Value, digits: number | null): string {
  if (value === null) return "–";
  if (typeof value === "string") return value;
  return number(value, digits ?? (Number.isInteger(value) ? 0 : 2));
}

/** All tables of a chart as CSV, an empty line between; moments in UTC (RFC 3339). */
export function csvOf(spec: ChartSpec): string {
  return tablesOf(spec).map(tableText).join("\r\n");
}

function tableText({ head, rows, moments }: Table): string {
  const written = (row: Value[]): Value[] => {
    const [first = null, ...rest] = row;
    return moments && typeof first === "number" ? [new Date(first).toISOString(), ...rest] : row;
  };
  return csv(head, rows.map(written));
}
