/** What of the fleet is shown; it lives in the address, in km and years whatever the units on the screen. */

import { useMemo } from "react";
import { useLocation } from "react-router";
import type { ReportingState } from "@/components/marks";
import { number, type Formatter } from "@/format";
import type { paths } from "@/api/types";

export type VehicleQuery = NonNullable<paths["/v1/vehicles"]["get"]["parameters"]["query"]>;
export type Sort = NonNullable<VehicleQuery["sort"]>;
export type Over = "distance" | "age";

/** Part of an axis; null is open. */
export interface Part {
  low: number | null;
  high: number | null;
}

export interface Filters {
  fleet: string;
  pack: string;
  q: string;
  reporting: ReportingState | "";
  overdue: boolean;
  severity: number | null;
  health: Part | null;
  distance: Part | null;
  age: Part | null;
  over: Over;
  sort: Sort;
}

export const WORST_FIRST: Sort = "deviation_pts";
const STATES: readonly string[] = ["reporting", "late", "stale", "never"];
const SORT =
  /^-?(deviation_pts|health_pct|resistance_x|distance_km|age_years|last_seen_at|alarms|vehicle_id)$/;

/** `88000..180000`, open at an end that is left out. */
export function readPart(text: string | null): Part | null {
  const [low, high, more] = (text ?? "").split("..");
  if (low === undefined || high === undefined || more !== undefined) return null;
  const end = (value: string) =>
    value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : null;
  const part = { low: end(low), high: end(high) };
  return part.low === null && part.high === null ? null : part;
}

export function writePart(part: Part | null): string | null {
  if (part === null || (part.low === null && part.high === null)) return null;
  return `${part.low ?? ""}..${part.high ?? ""}`;
}

/** Filters as an address has them; what is not understood is passed over. */
export function readFilters(search: string): Filters {
  const query = new URLSearchParams(search);
  const reporting = query.get("reporting") ?? "";
  const severity = query.get("severity");
  const sort = query.get("sort") ?? "";
  return {
    fleet: query.get("fleet") ?? "",
    pack: query.get("pack") ?? "",
    q: query.get("q") ?? "",
    reporting: STATES.includes(reporting) ? (reporting as ReportingState) : "",
    overdue: query.get("overdue") === "1",
    severity: severity !== null && /^[0-3]$/.test(severity) ? Number(severity) : null,
    health: readPart(query.get("health")),
    distance: readPart(query.get("distance")),
    age: readPart(query.get("age")),
    over: query.get("by") === "age" ? "age" : "distance",
    sort: SORT.test(sort) ? (sort as Sort) : WORST_FIRST,
  };
}

export function useFilters(): Filters {
  const { search } = useLocation();
  return useMemo(() => readFilters(search), [search]);
}

/** What is asked of the list; the order of the keys is always the same, so that equal questions have equal keys. */
export function queryOf(filters: Filters): VehicleQuery {
  const { fleet, pack, q, reporting, overdue, severity, health, distance, age, sort } = filters;
  return {
    ...(fleet && { fleet }),
    ...(pack && { pack }),
    ...(q && { q }),
    ...(reporting && { reporting }),
    ...(overdue && { overdue }),
    ...(severity !== null && { severity }),
    ...ends("health", health),
    ...ends("distance", distance),
    ...ends("age", age),
    sort,
  };
}

function ends<Name extends "health" | "distance" | "age">(name: Name, part: Part | null) {
  return {
    ...(part?.low != null && { [`${name}_min`]: part.low }),
    ...(part?.high != null && { [`${name}_max`]: part.high }),
  };
}

/** Everything that narrows the list beyond fleet and model, to be taken out of the address. */
export const NARROWING = ["q", "reporting", "overdue", "severity", "health", "distance", "age"] as const;

/** A filter as a chip shows it, and what takes it off. */
export interface Narrowed {
  key: string;
  text: string;
  names: readonly string[];
}

const WORDS: Record<ReportingState, string> = {
  reporting: "reporting now",
  late: "late",
  stale: "stale",
  never: "never seen",
};
const SEVERE = ["any active alarm", "notice or worse", "warning or worse", "critical alarm"];

function span(part: Part, digits: number, unit: string): string {
  if (part.low === null) return `below ${number(part.high, digits)}${unit}`;
  if (part.high === null) return `above ${number(part.low, digits)}${unit}`;
  return `${number(part.low, digits)}–${number(part.high, digits)}${unit}`;
}

/** What a part of the fleet's chart is called. */
export function brushText(filters: Filters, format: Formatter): string {
  const { health, distance, age } = filters;
  const inUnit = (km: number | null) => (km === null ? null : Math.round(format.toDistance(km)));
  return [
    health && `health ${span(health, Number.isInteger(health.low ?? health.high) ? 0 : 1, "\u00a0%")}`,
    distance &&
      span({ low: inUnit(distance.low), high: inUnit(distance.high) }, 0, `\u00a0${format.distanceUnit}`),
    age && span(age, 1, "\u00a0years"),
  ]
    .filter(Boolean)
    .join(", ");
}

export function narrowed(filters: Filters, format: Formatter): Narrowed[] {
  const brush = brushText(filters, format);
  const { q, reporting, overdue, severity } = filters;
  const all: (Narrowed | false)[] = [
    brush !== "" && { key: "brush", text: brush, names: ["health", "distance", "age"] },
    reporting !== "" && { key: "reporting", text: WORDS[reporting], names: ["reporting"] },
    severity !== null && { key: "severity", text: SEVERE[severity] ?? "", names: ["severity"] },
    overdue && { key: "overdue", text: "twin overdue", names: ["overdue"] },
    q !== "" && { key: "q", text: `“${q}”`, names: ["q"] },
  ];
  return all.filter((one) => one !== false);
}

const ORDER: Record<string, [string, string, string]> = {
  deviation_pts: ["deviation from cohort", "lowest first", "highest first"],
  health_pct: ["capacity health", "lowest first", "highest first"],
  resistance_x: ["resistance", "lowest first", "highest first"],
  distance_km: ["distance", "shortest first", "longest first"],
  age_years: ["age", "youngest first", "oldest first"],
  last_seen_at: ["last seen", "longest ago first", "newest first"],
  alarms: ["alarms", "fewest first", "worst first"],
  vehicle_id: ["vehicle", "A to Z", "Z to A"],
};

/** The order in words. */
export function orderText(sort: Sort): string {
  const down = sort.startsWith("-");
  const [name, up, downwards] = ORDER[down ? sort.slice(1) : sort] ?? ["", "", ""];
  return `sorted by ${name}, ${down ? downwards : up}`;
}

/** Whether a value lies in a part; what is not known lies in none. */
export function within(value: number | null | undefined, part: Part | null): boolean {
  if (part === null) return true;
  if (value == null) return false;
  return (part.low === null || value >= part.low) && (part.high === null || value <= part.high);
}
