/** What a table shows: its columns, and their sorting and CSV. */

import type { ReactNode } from "react";
import type { ProvenanceName } from "@/components/marks";
import { csv, type CsvValue } from "@/format";

export interface Column<Row> {
  id: string;
  /** Heading, with the unit: "Distance, km". */
  head: string;
  /** How the figures of the column are known. */
  mark?: ProvenanceName;
  /** Width in pixels; columns without one share what is left. */
  width?: number;
  align?: "end";
  /** Stands under the heading of the next column. */
  joined?: boolean;
  /** Narrowest table, in pixels, in which the column is shown. */
  from?: number;
  cell: (row: Row) => ReactNode;
  /** The key that sorts by it upwards; "-" before it sorts downwards. */
  sort?: string;
  /** The direction of the first click. */
  first?: "up" | "down";
  /** Its value in CSV; a column without one is not in it. */
  csv?: (row: Row) => CsvValue;
  /** Its heading in CSV, where that is not the heading. */
  csvHead?: string;
}

/** The key that a click on a heading sorts by, and back. */
export function nextSort<Row>(column: Column<Row>, sort: string): string {
  const up = column.sort ?? "";
  const down = `-${up}`;
  if (sort === up) return down;
  if (sort === down) return up;
  return column.first === "down" ? down : up;
}

/** How a column is sorted now, as `aria-sort` says it. */
export function direction<Row>(column: Column<Row>, sort: string): "ascending" | "descending" | "none" {
  if (column.sort === undefined) return "none";
  if (sort === column.sort) return "ascending";
  return sort === `-${column.sort}` ? "descending" : "none";
}

/** The columns that a table so wide has room for. */
export function fitting<Row>(columns: readonly Column<Row>[], width: number): Column<Row>[] {
  return columns.filter((column) => column.from === undefined || width >= column.from);
}

/** All columns and rows as CSV, also those that the screen has no room for. */
export function tableCsv<Row>(columns: readonly Column<Row>[], rows: Iterable<Row>): string {
  const told = columns.filter((column) => column.csv !== undefined);
  const lines = Array.from(rows, (row) => told.map((column) => column.csv?.(row)));
  return csv(
    told.map((column) => column.csvHead ?? column.head),
    lines,
  );
}

/** Rows that are all here, sorted by a key of `values`; what is not known comes last both ways. */
export function sorted<Row>(
  rows: readonly Row[],
  sort: string,
  values: Record<string, (row: Row) => CsvValue>,
): Row[] {
  const down = sort.startsWith("-");
  const value = values[down ? sort.slice(1) : sort];
  if (!value) return [...rows];
  return [...rows].sort((a, b) => compare(value(a), value(b), down));
}

function compare(a: CsvValue, b: CsvValue, down: boolean): number {
  const none = (v: CsvValue) => v == null || v === "";
  if (none(a) || none(b)) return Number(none(a)) - Number(none(b));
  const order =
    typeof a === "string" && typeof b === "string"
      ? a.localeCompare(b, "en", { numeric: true })
      : Number(a) - Number(b);
  return down ? -order : order;
}
