/** Health as it was known after each version, with its interval and beside its cohort. */

import type { Schemas } from "@/api/client";
import type { ChartSpec, Column, Panel } from "@/charts";
import { number } from "@/format";

export type HealthHistory = Schemas["HealthHistory"];
export type HealthOf = "capacity" | "resistance";

/** Two standard deviations to one side. */
export function beside(mean: Column, sd: Column, factor: number): Column {
  return mean.map((value, i) => {
    const spread = sd[i] ?? null;
    return value === null || spread === null ? null : value + factor * spread;
  });
}

/** What is known holds until the next version: the last values reach to now. */
function upTo(health: HealthHistory, nowMs: number): HealthHistory {
  const last = health.time_ms.at(-1);
  if (last === undefined || last >= nowMs) return health;
  const held = <T>(column: readonly T[]): T[] => [...column, column.at(-1) as T];
  return {
    ...health,
    time_ms: [...health.time_ms, nowMs],
    version: held(health.version),
    capacity_pct: held(health.capacity_pct),
    capacity_sd_pct: held(health.capacity_sd_pct),
    resistance_x: held(health.resistance_x),
    resistance_sd_x: held(health.resistance_sd_x),
    distance_km: held(health.distance_km),
    cohort_median_pct: held(health.cohort_median_pct),
  };
}

export function healthSpec(history: HealthHistory, of: HealthOf, nowMs: number): ChartSpec {
  const health = upTo(history, nowMs);
  const panel = of === "capacity" ? capacityPanel(health) : resistancePanel(health);
  const first = health.time_ms[0] ?? nowMs;
  return {
    name: of === "capacity" ? "Capacity health" : "Resistance",
    x: { kind: "time", label: "Time", min: first, max: Math.max(nowMs, first + 1) },
    panels: [panel],
  };
}

/** The same axis for all vehicles, unless one lies outside it. */
function capacityAxis(values: readonly Column[]): { min: number; max: number } {
  const known = values.flatMap((column) => column.filter((v): v is number => v !== null));
  const low = Math.min(...known, 70);
  const high = Math.max(...known, 100);
  return { min: Math.floor(low / 10) * 10, max: high > 101 ? Math.ceil(high / 5) * 5 : 100 };
}

function capacityPanel(health: HealthHistory): Panel {
  const { time_ms: x, capacity_pct: y, capacity_sd_pct: sd, cohort_median_pct: cohort } = health;
  const last = y.findLast((value) => value !== null);
  const similar = cohort.some((value) => value !== null);
  return {
    id: "capacity",
    unit: "%",
    digits: 1,
    y: { ...capacityAxis([y]), format: (value, top) => (top ? `${value} %` : String(value)) },
    limits: [{ y: 80, label: "80 %", tone: "ink-3", dash: "reference" }],
    series: [
      {
        kind: "band",
        id: "band",
        name: "±2σ",
        tone: "estimated",
        x,
        low: beside(y, sd, -2),
        high: beside(y, sd, 2),
      },
      ...(similar
        ? [
            {
              kind: "line" as const,
              id: "cohort",
              name: "cohort median",
              tone: "cohort" as const,
              x,
              y: cohort,
            },
          ]
        : []),
      {
        kind: "line",
        id: "capacity",
        name: "estimate",
        tone: "estimated",
        x,
        y,
        live: true,
        ...(last !== null && last !== undefined && { end: number(last, 1) }),
      },
    ],
  };
}

function resistancePanel({ time_ms: x, resistance_x: y, resistance_sd_x: sd }: HealthHistory): Panel {
  const last = y.findLast((value) => value !== null);
  return {
    id: "resistance",
    unit: "× new",
    digits: 2,
    limits: [{ y: 1, label: "new", tone: "ink-3", dash: "reference" }],
    series: [
      {
        kind: "band",
        id: "band",
        name: "±2σ",
        tone: "estimated",
        x,
        low: beside(y, sd, -2),
        high: beside(y, sd, 2),
      },
      {
        kind: "line",
        id: "resistance",
        name: "estimate",
        tone: "estimated",
        x,
        y,
        live: true,
        ...(last !== null && last !== undefined && { end: number(last, 2) }),
      },
    ],
  };
}
