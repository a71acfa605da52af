// The signals around an alarm as a chart: each against its limit, the debounce shaded, the moment it was confirmed.
import type { ChartSpec, Event, Limit, Panel } from "@/charts";
import type { Schemas } from "@/api/client";
import { clock, number } from "@/format";

type Signals = Schemas["AlarmSignals"];
type Signal = Schemas["AlarmSignal"];

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

function panelOf(signal: Signal): Panel {
  const { name, label, unit, time_ms: x, min, max, mean } = signal;
  const current = name === CURRENT;
  return {
    id: name,
    label: current ? "current, + charge" : `${lower(label)}, ${unit}`,
    labelAt: "inside",
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

export function evidenceSpec(signals: Signals, name: string, debounce: number | null): ChartSpec {
  return {
    name,
    x: { kind: "time", label: "Time", min: Date.parse(signals.start), max: Date.parse(signals.end) },
    panels: signals.signals.map(panelOf),
    events: eventsOf(signals, debounce),
  };
}

/** "cell spread, mV · 10 min each side"; the current stands below in a panel of its own. */
export function unitOf({ signals, start, end }: Signals): string {
  const names = signals
    .filter(({ name }) => name !== CURRENT)
    .map(({ label, unit }) => `${lower(label)}, ${unit}`);
  const minutes = Math.round((Date.parse(end) - Date.parse(start)) / 120_000);
  return `${names.join("; ")} · ${number(minutes)} min each side`;
}
