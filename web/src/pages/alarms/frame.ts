// A freeze frame and the figures of a finding, as people read them: in a fixed order, with names and units.
import { formatter, number, quantity } from "@/format";

export interface Figure {
  readonly name: string;
  readonly text: string;
}

type Values = Readonly<Record<string, unknown>>;
type Units = Parameters<typeof formatter>[0];

const NAMES: Readonly<Record<string, string>> = {
  pack_voltage_v: "Pack voltage",
  pack_current_a: "Current",
  soc_pct: "Charge",
  cell_v_spread: "Cell spread",
  temp_min_c: "Coldest probe",
  temp_max_c: "Warmest probe",
  ambient_temp_c: "Ambient",
  coolant_temp_c: "Coolant",
  speed_kmh: "Speed",
  odometer_km: "Odometer",
  isolation_resistance_kohm: "Isolation resistance",
  isolation_ohm_per_v: "Isolation, per volt",
  is_charging: "Charging",
  plug_connected: "Plug connected",
  contactors_closed: "Contactors closed",
  hv_interlock_closed: "Interlock closed",
  capacity_health_pct: "Capacity health",
  resistance_ratio: "Resistance, times new",
  deviation_mv: "Deviation from its pack",
  scale_mv: "Usual scatter",
  scatter_mv: "Own scatter",
  z: "Robust z",
  days: "Seen over",
  minutes: "Seen for",
  blocks: "Blocks of hours",
  cusum: "Summed shift",
  c_rate: "C-rate",
  temp_c: "Temperature",
  regime: "While",
  direction: "Direction",
};
/** Told elsewhere, or of use to programs alone. */
const LEFT_OUT = new Set([
  "because",
  "condition",
  "limits",
  "first",
  "cell_v_min_cell",
  "cell_v_max_cell",
  "cell",
]);
/** Yes or no, kept as 1 or 0. */
const YES_OR_NO = /^is_|_(closed|connected)$/;
const ORDER = Object.keys(NAMES);

const UNITS: readonly (readonly [RegExp, string, number])[] = [
  [/_mv$/, "mV", 1],
  [/_ohm_per_v$/, "Ω/V", 1],
  [/_kohm$/, "kΩ", 0],
  [/_ohm$/, "Ω", 3],
  [/_v$|_v_sum$/, "V", 1],
  [/_a$/, "A", 1],
  [/_ah$/, "Ah", 1],
  [/_kw$/, "kW", 1],
  [/_kwh$/, "kWh", 1],
  [/_pct$/, "%", 1],
  [/_pts$/, "pts", 1],
  [/^minutes$/, "min", 0],
  [/^days$/, "days", 1],
  [/_s$/, "s", 0],
];

function words(name: string): string {
  const bare =
    NAMES[name] ?? name.replace(/_(mv|v|a|ah|kw|kwh|pct|pts|c|km|kmh|s|ohm|kohm)$/, "").replaceAll("_", " ");
  return bare.charAt(0).toUpperCase() + bare.slice(1);
}

function written(name: string, value: unknown, units: Units): string {
  if (typeof value === "boolean" || YES_OR_NO.test(name)) return value ? "yes" : "no";
  if (typeof value !== "number") return String(value);
  const like = formatter(units);
  if (name.endsWith("_c")) return like.temperature(value, 1);
  if (name.endsWith("_kmh")) return quantity(like.toDistance(value), 0, `${units.distance}/h`);
  if (name.endsWith("_km")) return like.distance(value);
  if (name === "cell_v_spread") return quantity(value * 1000, 0, "mV");
  const unit = UNITS.find(([pattern]) => pattern.test(name));
  return unit ? quantity(value, unit[2], unit[1]) : number(value, Number.isInteger(value) ? 0 : 2);
}

/** "82 · 3.497 V": the cell that was lowest or highest, with its voltage. */
function cells(values: Values): Figure[] {
  return (["min", "max"] as const).flatMap((end) => {
    const volts = values[`cell_v_${end}`];
    const cell = values[`cell_v_${end}_cell`];
    if (typeof volts !== "number") return [];
    const which = typeof cell === "number" ? `${cell} · ` : "";
    return [{ name: end === "min" ? "Lowest cell" : "Highest cell", text: which + quantity(volts, 3, "V") }];
  });
}

function spread(values: Values): Values {
  const { cell_v_min: low, cell_v_max: high } = values;
  return typeof low === "number" && typeof high === "number" && !("cell_v_spread" in values)
    ? { ...values, cell_v_spread: high - low }
    : values;
}

function temperatures(values: Values, units: Units): Figure[] {
  const { temp_min_c: low, temp_max_c: high } = values;
  if (typeof low !== "number" || typeof high !== "number") return [];
  const like = formatter(units);
  const range =
    low === high ? like.temperature(low, 1) : `${like.temperatureValue(low, 1)}–${like.temperature(high, 1)}`;
  return [{ name: "Cell temperature", text: range }];
}

function place(name: string): number {
  const at = ORDER.indexOf(name);
  return at < 0 ? ORDER.length : at;
}

export function figuresOf(values: Values, units: Units): readonly Figure[] {
  const range = temperatures(values, units);
  const told = new Set([
    ...LEFT_OUT,
    "cell_v_min",
    "cell_v_max",
    ...(range.length ? ["temp_min_c", "temp_max_c"] : []),
  ]);
  const rest = Object.entries(spread(values))
    .filter(([name, value]) => !told.has(name) && value !== null && typeof value !== "object")
    .toSorted(([a], [b]) => place(a) - place(b));
  const before = rest.filter(([name]) => place(name) <= ORDER.indexOf("cell_v_spread"));
  const after = rest.slice(before.length);
  const figure = ([name, value]: [string, unknown]) => ({
    name: words(name),
    text: written(name, value, units),
  });
  return [...before.map(figure), ...cells(values), ...range, ...after.map(figure)];
}
