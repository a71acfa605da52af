/** The four live strips: what was read, what came since, and what happened meanwhile. */

import { withGaps } from "@/charts/gaps";
import type { ChartSpec, Column, Event, Panel, Range, Tone } from "@/charts";
import { number, temperatureIn, temperatureUnitText, type TemperatureUnit } from "@/format";
import type { Telemetry } from "../data";

type Told = readonly (readonly [atMs: number, value: number])[];

/** Newest values that came after what was read, by signal. */
export type Tail = ReadonlyMap<string, Told>;

interface Strip {
  signal: string;
  label: string;
  unit: string;
  sublabel: string;
  digits: number;
  /** The least that its axis spans. */
  least: number;
  zero?: boolean;
}

/** Lines across a strip at most: it is low, and the range matters more than the values between. */
const LINES = 4;

const STRIPS: readonly Strip[] = [
  { signal: "pack_voltage_v", label: "Voltage", unit: "V", sublabel: "V", digits: 0, least: 20 },
  {
    signal: "pack_current_a",
    label: "Current",
    unit: "A",
    sublabel: "A, + charge",
    digits: 0,
    least: 20,
    zero: true,
  },
  { signal: "cell_temp_avg_c", label: "Temperature", unit: "°C", sublabel: "°C", digits: 1, least: 6 },
  { signal: "soc_pct", label: "Charge", unit: "%", sublabel: "%", digits: 0, least: 10 },
];

interface Wanted {
  telemetry: Telemetry;
  tail: Tail;
  temperature: TemperatureUnit;
  /** Of the whole axis, so that one can pan beyond what was read. */
  reach: readonly [number, number];
  /** What is seen: a label at the end is written only for values that reach it. */
  view: readonly [number, number];
}

export function liveSpec({ telemetry, tail, temperature, reach, view }: Wanted): ChartSpec {
  const panels = STRIPS.flatMap((strip): Panel[] => {
    const series = telemetry.signals.find((one) => one.name === strip.signal);
    const came = series ? since(telemetry, series, tail.get(strip.signal) ?? [], view) : [];
    if (!series || (came.length === 0 && series.mean.every((value) => value === null))) return [];
    return [
      panelOf(
        inUnits(strip, temperature),
        rangeOf(strip, telemetry, series, came, temperature, view[1] - view[0]),
        view,
      ),
    ];
  });
  return {
    name: "Live",
    x: { kind: "time", label: "Time", min: reach[0], max: reach[1] },
    panels,
    events: eventsOf(telemetry),
  };
}

/** Values newer than what was read, as far as they lie in what is seen or was asked for. */
function since(
  telemetry: Telemetry,
  series: Telemetry["signals"][number],
  told: Told,
  view: readonly [number, number],
): Told {
  // Steps go on to the end of what was asked for, without values: the last that has one is what was read.
  const read = telemetry.time_ms[series.mean.findLastIndex((value) => value !== null)] ?? -Infinity;
  const end = Math.max(Date.parse(telemetry.end), view[1]);
  const start = Math.min(Date.parse(telemetry.start), view[0]);
  return told.filter(([at]) => at > read && at >= start && at <= end);
}

function inUnits(strip: Strip, temperature: TemperatureUnit): Strip {
  if (strip.unit !== "°C") return strip;
  const unit = temperatureUnitText(temperature);
  return { ...strip, unit, sublabel: unit };
}

type Columns = Pick<Range, "x" | "min" | "max" | "mean">;

function rangeOf(
  strip: Strip,
  telemetry: Telemetry,
  series: Telemetry["signals"][number],
  came: readonly (readonly [number, number])[],
  temperature: TemperatureUnit,
  span: number,
): Columns {
  const turn = (value: number | null) =>
    value === null || strip.unit !== "°C" ? value : temperatureIn(value, temperature);
  const since = came.map(([, value]) => turn(value));
  const column = (values: Column): Column => [...values.map(turn), ...since];
  const times = [...telemetry.time_ms, ...came.map(([at]) => at)];
  const all = [column(series.mean), column(series.min), column(series.max)];
  const { x, columns } = withGaps(times, all, span);
  const [mean = [], min = [], max = []] = columns;
  // Without down-sampling the three are the same, and stay one so that the table has one column of it.
  return telemetry.step_ms === 0 ? { x, min: mean, max: mean, mean } : { x, min, max, mean };
}

function panelOf(strip: Strip, columns: Columns, view: readonly [number, number]): Panel {
  const end = endOf(columns, view);
  const series: Range = {
    kind: "range",
    id: strip.signal,
    name: strip.label,
    tone: "measured",
    legend: false,
    ...columns,
    ...(end !== null && { end: number(end, strip.digits), endLarge: true }),
  };
  return {
    id: strip.signal,
    label: strip.label,
    sublabel: strip.sublabel,
    unit: strip.unit,
    digits: strip.digits,
    hatch: true,
    y: { zero: strip.zero ?? false, count: LINES, least: strip.least },
    series: [series],
  };
}

/** Values are not carried forward: the newest is written at the end only where it reaches the end. */
const REACHES = 0.03;

function endOf({ x, mean }: Columns, [low, high]: readonly [number, number]): number | null {
  const at = mean.findLastIndex((value, i) => value !== null && (x[i] ?? 0) <= high);
  const when = x[at];
  return when !== undefined && high - when <= (high - low) * REACHES ? (mean[at] ?? null) : null;
}

const SEVERITIES: readonly Tone[] = ["info", "note", "warn", "crit"];
/** An update that follows the end of a charge this soon is named with it. */
const TOGETHER_MS = 180_000;

/** What is marked over the strips; drives are seen by their current. */
export function eventsOf({ marks, end }: Pick<Telemetry, "marks" | "end">): Event[] {
  const last = Date.parse(end);
  return joined(
    marks.flatMap((mark): Event[] => {
      const x = Date.parse(mark.at);
      switch (mark.kind) {
        case "charge": {
          const until = mark.until ? Date.parse(mark.until) : null;
          const ends =
            until !== null && until < last ? [{ x: until, label: "charge ends", tone: "ink" as const }] : [];
          return [{ x, label: "charge", tone: "ink" }, ...ends];
        }
        case "recalibration":
          return [{ x, label: `update v${mark.ref}`, tone: "accent" }];
        case "refused":
          return [{ x, label: `v${mark.ref} refused`, tone: "never" }];
        case "rollback":
          return [{ x, label: `roll-back v${mark.ref}`, tone: "accent" }];
        case "alarm":
          return [{ x, label: mark.label, tone: SEVERITIES[mark.severity ?? 0] ?? "info" }];
        case "maintenance":
          return [{ x, label: mark.label, tone: "ink-3" }];
        default:
          return [];
      }
    }),
  );
}

function joined(events: Event[]): Event[] {
  const sorted = [...events].sort((a, b) => a.x - b.x);
  return sorted.flatMap((event, i) => {
    const before = sorted[i - 1];
    const next = sorted[i + 1];
    if (follows(before, event)) return [];
    return [follows(event, next) && next ? { ...next, label: `${event.label} · ${next.label}` } : event];
  });
}

function follows(first: Event | undefined, second: Event | undefined): boolean {
  if (first?.label !== "charge ends" || !second?.label?.includes("v")) return false;
  return second.tone !== "ink" && second.x - first.x <= TOGETHER_MS;
}

export const SPANS = { "15m": 900_000, "2h": 7_200_000, day: 86_400_000, week: 604_800_000 } as const;
export type SpanName = keyof typeof SPANS;

/** The range to ask for: what is seen and half as much to each side, on a grid, so that small moves ask for nothing. */
export function askedFor(
  [low, high]: readonly [number, number],
  live: boolean,
): { start: number; end: number } {
  const span = high - low;
  const grid = Math.max(60_000, 2 ** Math.floor(Math.log2(span / 8)));
  const pad = live ? 0 : span / 2;
  return { start: Math.floor((low - pad) / grid) * grid, end: Math.ceil((high + pad + 1) / grid) * grid };
}
