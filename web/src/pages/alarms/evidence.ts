// The signals around an alarm as a chart: each against its limit, the debounce shaded, the moment it was confirmed.
import type { ChartSpec, Event, Limit, Panel } from "@/charts";
import type { Schemas } from "@/api/client";
import { clock, formatter, number } from "@/format";

type Signals = Schemas["AlarmSignals"];
type Signal = Schemas["AlarmSignal"];

type Units = Parameters<typeof formatter>[0];

const CURRENT = "pack_current_a";

/** A label inside a sentence; what is an abbreviation stays. */
function lower(label: string): string {
  return /^[A-Z][a-z]/.test(label) ? label.charAt(0).toLowerCase() + label.slice(1) : label;
}

function digitsOf({ unit }: Signal): number {
  if (unit === "V") return 3;
  return unit === "mV" || unit === "Ω/V" || unit === "%" ? 0 : 1;
}

function limitsOf({ limit, limit_label: label }: Signal): readonly Limit[] {
  if (limit == null) return [];
  const value = number(limit, Number.isInteger(limit) ? 0 : 2);
  return [{ y: limit, label: /\d/.test(label) ? label : `${label || "limit"} ${value}`, tone: "warn" }];
}

type Column = Signal["mean"];

/** In the units one likes. */
function liked(signal: Signal, units: Units): Signal {
  const like = formatter(units);
  const how: Readonly<Record<string, readonly [string, (value: number) => number]>> = {
    "°C": [like.temperatureUnit, like.toTemperature],
    "km/h": [`${units.distance}/h`, like.toDistance],
    km: [units.distance, like.toDistance],
  };
  const found = how[signal.unit];
  if (!found || found[0] === signal.unit) return signal;
  const [unit, to] = found;
  const all = (column: Column): Column => column.map((value) => (value === null ? null : to(value)));
  const { min, max, mean, limit, limit_label: label } = signal;
  return {
    ...signal,
    unit,
    min: all(min),
    max: all(max),
    mean: all(mean),
    limit: limit == null ? limit : Math.round(10 * to(limit)) / 10,
    // The figure in it is in the unit that was left.
    limit_label: label.replace(/\s*[−-]?\d.*$/, ""),
  };
}

/** One beside the current is named in the heading; of several, each is named where it is. */
function panelOf(signal: Signal, alone: boolean): Panel {
  const { name, label, unit, time_ms: x, min, max, mean } = signal;
  const current = name === CURRENT;
  return {
    id: name,
    ...(current || !alone
      ? { label: current ? "current, + charge" : `${lower(label)}, ${unit}`, labelAt: "inside" }
      : {}),
    unit,
    weight: current ? 1 : 2,
    digits: digitsOf(signal),
    y: current ? { zero: true, count: 3 } : { count: 4 },
    limits: limitsOf(signal),
    hatch: true,
    series: [{ kind: "range", id: name, name: label, tone: "measured", x, min, max, mean, legend: false }],
  };
}

function eventsOf({ stretches, raised_at: raised }: Signals, debounce: number | null): readonly Event[] {
  const held = stretches.filter((one) => one.kind === "debouncing");
  const shaded = held.map(({ start, end }, at): Event => {
    const told = at === 0 && debounce ? { label: `${number(debounce)} s to confirm` } : {};
    return { x: Date.parse(start), until: Date.parse(end), tone: "warn", ...told };
  });
  return [
    ...shaded,
    { x: Date.parse(raised), label: `confirmed ${clock(raised, true)}`, tone: "ink", solid: true },
  ];
}

export function evidenceSpec(
  signals: Signals,
  name: string,
  debounce: number | null,
  units: Units,
): ChartSpec {
  const shown = signals.signals.map((signal) => liked(signal, units));
  const alone = shown.filter(({ name: one }) => one !== CURRENT).length === 1;
  return {
    name,
    x: { kind: "time", label: "Time", min: Date.parse(signals.start), max: Date.parse(signals.end) },
    panels: shown.map((signal) => panelOf(signal, alone)),
    events: eventsOf(signals, debounce),
  };
}

/** "cell spread, mV · 10 min each side"; the current stands below in a panel of its own. */
export function unitOf({ signals, start, end }: Signals, units: Units): string {
  const names = signals
    .filter(({ name }) => name !== CURRENT)
    .map((signal) => liked(signal, units))
    .map(({ label, unit }) => `${lower(label)}, ${unit}`);
  const minutes = Math.round((Date.parse(end) - Date.parse(start)) / 120_000);
  return `${names.join("; ")} · ${number(minutes)} min each side`;
}
