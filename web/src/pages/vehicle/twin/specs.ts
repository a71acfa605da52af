/** The twin's charts as data: error per trip, one trip, parameters, coverage. */

import type { Schemas } from "@/api/client";
import type { ChartSpec, Column, Panel, Points, Series } from "@/charts";
import { niceTicks } from "@/charts/scale";
import { number } from "@/format";
import { beside } from "../overview/health";

export type ErrorSeries = Schemas["ErrorSeries"];
/** As the client answers it: a pair comes as a list. */
export type ParameterSeries = Omit<Schemas["ParameterSeries"], "axis"> & { axis: readonly number[] | null };
export type Prediction = Schemas["Prediction"];
export type CoverageRow = Schemas["CoverageRow"];

/** 95 % of a normal distribution lie within so many standard deviations. */
const SIDED = 1.96;

const lastOf = (column: Column): number | null => column.findLast((value) => value !== null) ?? null;

export function errorSpec(errors: ErrorSeries): ChartSpec {
  const { trip: x, updated_rmse_v: updated, never_rmse_v: never, threshold_v: limit } = errors;
  const [lastUpdated, lastNever] = [lastOf(updated), lastOf(never)];
  const version = errors.version.findLast((one) => one !== null);
  const on = version === undefined || version === null ? "" : ` on v${version}`;
  return {
    name: "Error per trip",
    x: {
      kind: "value",
      label: "Trip",
      whole: true,
      format: tripTick,
      read: (value) => `trip ${number(value)}`,
    },
    panels: [
      {
        id: "error",
        unit: "V",
        digits: 2,
        y: { min: 0 },
        limits: limit === null ? [] : [{ y: limit, label: `limit ${number(limit, 2)}`, tone: "ink-3" }],
        series: [
          {
            kind: "line",
            id: "never",
            name: "never updated",
            tone: "never",
            x,
            y: never,
            ...(lastNever !== null && { end: `${number(lastNever, 1)} V` }),
          },
          {
            kind: "line",
            id: "updated",
            name: "living twin",
            tone: "estimated",
            x,
            y: updated,
            live: true,
            ...(lastUpdated !== null && { end: `${number(lastUpdated, 2)} V${on}` }),
          },
          decided(errors, "accepted", { name: "update accepted", tone: "estimated", mark: "triangle" }),
          decided(errors, "refused", { name: "refused", tone: "never", mark: "cross" }),
        ],
      },
    ],
  };
}

const tripTick = (value: number, place: string): string =>
  place === "first" ? `trip ${number(value)}` : number(value);

function decided(
  errors: ErrorSeries,
  decision: string,
  looks: Pick<Points, "name" | "tone" | "mark">,
): Points {
  const at = errors.decision.flatMap((one, i) => (one === decision ? [i] : []));
  return {
    kind: "points",
    id: decision,
    size: 7,
    ...looks,
    x: at.map((i) => errors.trip[i] ?? 0),
    y: at.map((i) => errors.updated_rmse_v[i] ?? null),
    ids: at.map((i) => `trip ${number(errors.trip[i])}`),
  };
}

/** A version that no trip gave rise to, as a roll-back, stands at the trip of the one before. */
export function placed(trips: readonly number[]): number[] {
  let last = 0;
  return trips.map((trip) => (last = Math.max(last, trip)));
}

export function parameterSpec(series: ParameterSeries, lastTrip: number): ChartSpec {
  const trips = placed(series.trip);
  const held = lastTrip > (trips.at(-1) ?? 0);
  const until = <T>(column: readonly T[], value: T | undefined): T[] =>
    held && value !== undefined ? [...column, value] : [...column];
  const x = until(trips, lastTrip);
  const mean = until(series.mean, series.mean.at(-1));
  const sd = until(series.sd, series.sd.at(-1));
  // Where the steps have gone away from it, its name is on the other side.
  const side = (lastOf(series.mean) ?? 0) > (series.never ?? 0) ? "below" : "above";
  return {
    name: series.label,
    x: {
      kind: "value",
      label: "Trip",
      whole: true,
      format: tripTick,
      read: (value) => `trip ${number(value)}`,
    },
    panels: [
      {
        id: series.name,
        unit: series.unit ?? "",
        digits: digitsOf(series),
        ...axisOf(series),
        limits:
          series.never === null
            ? []
            : [{ y: series.never, label: "never updated", tone: "never", at: side, dash: "never" }],
        series: [
          {
            kind: "band",
            id: "band",
            name: "±2σ",
            tone: "estimated",
            step: true,
            x,
            low: beside(mean, sd, -2),
            high: beside(mean, sd, 2),
          },
          { kind: "line", id: "mean", name: series.label, tone: "estimated", step: true, x, y: mean },
          {
            kind: "points",
            id: "update",
            name: "update",
            tone: "estimated",
            mark: "triangle",
            size: 7,
            x: trips.slice(1),
            y: series.mean.slice(1),
            ids: series.version.slice(1).map((v) => `v${v}`),
          },
        ],
      },
    ],
  };
}

/** Lines across a small chart. */
const LINES = 4;

/** The range that vehicles with this pack share. */
function axisOf({ axis }: ParameterSeries): Pick<Panel, "y"> {
  const [min, max] = axis ?? [];
  return min === undefined || max === undefined ? {} : { y: { ...niceRange(min, max), count: LINES } };
}

/** Widened to round ends, as an axis that is not shared is. */
function niceRange(low: number, high: number): { min: number; max: number } {
  const { min, max } = niceTicks(low, high, LINES);
  return { min, max };
}

/** As many digits as the newest uncertainty bears. */
export function digitsOf({ sd }: Pick<ParameterSeries, "sd">): number {
  const half = 2 * (lastOf(sd) ?? 0);
  if (half <= 0) return 2;
  return Math.max(
    0,
    Math.min(5, Math.ceil(-Math.log10(half)) + (half < 3.55 * 10 ** Math.floor(Math.log10(half)) ? 1 : 0)),
  );
}

const difference = (a: Column, b: Column): Column =>
  a.map((value, i) => {
    const other = b[i] ?? null;
    return value === null || other === null ? null : value - other;
  });

const scaled = (column: Column, factor: number): Column =>
  column.map((value) => (value === null ? null : factor * value));

export function predictionSpec(shown: Prediction): ChartSpec {
  const seconds = shown.time_s.map((value) => value ?? 0);
  const long = (seconds.at(-1) ?? 0) >= 180;
  const x = long ? seconds.map((s) => s / 60) : seconds;
  const scoredFrom = long ? shown.scored_from_s / 60 : shown.scored_from_s;
  return {
    name: `Trip ${shown.trip}`,
    x: { kind: "value", label: "Time", unit: long ? "min" : "s" },
    panels: [voltagePanel(shown, x), residualPanel(shown, x)],
    events:
      scoredFrom > 0.01 * (x.at(-1) ?? 0)
        ? [{ x: scoredFrom, label: "scored from here", tone: "ink-3" }]
        : [],
  };
}

function voltagePanel(shown: Prediction, x: number[]): Panel {
  const {
    measured_v: measured,
    updated_v: updated,
    updated_sd_v: sd,
    never_v: never,
    never_sd_v: neverSd,
  } = shown;
  const name = `v${shown.version}`;
  const series: Series[] = [
    {
      kind: "band",
      id: "never band",
      name: "never updated, 95 %",
      legend: false,
      tone: "never",
      x,
      low: beside(never, neverSd, -SIDED),
      high: beside(never, neverSd, SIDED),
    },
    {
      kind: "band",
      id: "band",
      name: `${name}, 95 % band`,
      legend: false,
      tone: "estimated",
      x,
      low: beside(updated, sd, -SIDED),
      high: beside(updated, sd, SIDED),
    },
    {
      kind: "line",
      id: "never",
      name: "never updated, 95 %",
      tone: "never",
      dash: "never",
      x,
      y: never,
      end: "never updated",
    },
    { kind: "line", id: "updated", name: `${name}, 95 %`, tone: "estimated", x, y: updated, end: name },
    { kind: "line", id: "measured", name: "measured", tone: "measured", x, y: measured, end: "measured" },
  ];
  const withValues = series.filter((one) => one.kind !== "line" || one.y.some((v) => v !== null));
  return { id: "voltage", unit: "V", digits: 1, weight: 1.9, hatch: true, series: withValues };
}

function residualPanel(shown: Prediction, x: number[]): Panel {
  const { measured_v: measured, updated_v: updated, updated_sd_v: sd, never_v: never } = shown;
  const told = (name: string, rmse: number | null): string =>
    rmse === null ? name : `${name} ${number(rmse, 2)}`;
  return {
    id: "residual",
    label: "prediction − measured",
    labelAt: "inside",
    unit: "V",
    digits: 2,
    y: { zero: true, count: 4 },
    series: [
      {
        kind: "band",
        id: "residual band",
        name: `v${shown.version} residual band`,
        legend: false,
        tone: "estimated",
        x,
        low: scaled(sd, -SIDED),
        high: scaled(sd, SIDED),
      },
      {
        kind: "line",
        id: "never residual",
        name: "never updated residual",
        legend: false,
        tone: "never",
        dash: "never",
        x,
        y: difference(never, measured),
        end: told("never", shown.never_rmse_v),
      },
      {
        kind: "line",
        id: "residual",
        name: `v${shown.version} residual`,
        legend: false,
        tone: "estimated",
        x,
        y: difference(updated, measured),
        end: told(`v${shown.version}`, shown.updated_rmse_v),
      },
    ],
  };
}

export function coverageSpec(rows: readonly CoverageRow[], goal: readonly [number, number]): ChartSpec {
  const places = rows.map((_, i) => rows.length - 1 - i);
  const updated = rows.map((row) => row.updated_pct);
  const never = rows.map((row) => row.never_pct);
  const lowest = Math.min(goal[0], ...[...updated, ...never].filter((v): v is number => v !== null));
  const at = (values: Column): { x: number[]; y: Column } => ({
    x: values.map((value) => value ?? 0),
    y: places.map((place, i) => (values[i] === null ? null : place)),
  });
  return {
    name: "Band coverage",
    summary: summaryOf(rows, goal),
    x: {
      kind: "value",
      label: "Coverage",
      unit: "%",
      min: Math.min(90, Math.floor((lowest - 4) / 10) * 10),
      max: 100,
      whole: true,
    },
    events: [{ x: goal[0], until: goal[1], tone: "accent", legend: `goal ${goal[0]}–${goal[1]} %` }],
    panels: [
      {
        id: "rows",
        unit: "",
        digits: 0,
        y: {
          min: -0.5,
          max: rows.length - 0.5,
          ticks: rows.map((row, i) => ({ value: places[i] ?? 0, text: row.name, strong: i === 0 })),
        },
        series: [
          {
            kind: "segments",
            id: "gap",
            name: "gap",
            legend: false,
            tone: "cohort",
            x1: at(never).x,
            y1: at(never).y,
            x2: at(updated).x,
            y2: at(updated).y,
          },
          {
            kind: "points",
            id: "never",
            name: "never updated",
            tone: "never",
            mark: "diamond",
            size: 9,
            ...at(never),
            labels: texts(never),
            labelSide: "left",
            ids: rows.map((row) => row.name),
          },
          {
            kind: "points",
            id: "updated",
            name: "living twin",
            tone: "estimated",
            mark: "disc",
            size: 9,
            ...at(updated),
            labels: texts(updated),
            labelSide: "top",
            ids: rows.map((row) => row.name),
          },
        ],
      },
    ],
  };
}

const texts = (values: Column): string[] =>
  values.map((value) => (value === null ? "" : number(value, value > 99 ? 1 : 0)));

function summaryOf(rows: readonly CoverageRow[], goal: readonly [number, number]): string {
  const told = rows.map(
    ({ name, updated_pct: u, never_pct: n }) =>
      `${name}: living twin ${number(u, 1)} %, never updated ${number(n, 1)} %`,
  );
  return `Samples inside the 95 % band; the goal is ${goal[0]} to ${goal[1]} %. ${told.join("; ")}.`;
}
