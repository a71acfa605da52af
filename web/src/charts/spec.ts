/**
 * A chart as data: what is drawn, and in which role. The picture, the table, the CSV and what is spoken are all made
 * from this one description, so that they cannot tell different numbers.
 */

/** Missing is null. */
export type Column = readonly (number | null)[];

/** What a colour means, never which colour it is; `tokens.json` has the colours. */
export type Tone =
  | "measured"
  | "estimated"
  | "forecast"
  | "never"
  | "cohort"
  | "good"
  | "crit"
  | "warn"
  | "note"
  | "info"
  | "ink"
  | "ink-3"
  | "accent"
  | "scenario-a"
  | "scenario-b"
  | "scenario-c";

export type Dash = "solid" | "never" | "forecast" | "limit" | "reference" | "event";
export type Mark = "disc" | "ring" | "half" | "triangle" | "cross" | "diamond";

interface Named {
  /** Unique within the chart. */
  id: string;
  name: string;
  tone: Tone;
  /** Left out of the legend, where a label at its end or the heading names it. */
  legend?: boolean;
}

/** A line; a null breaks it. */
export interface Line extends Named {
  kind: "line";
  x: readonly number[];
  y: Column;
  dash?: Dash;
  /** Holds its value until the next. */
  step?: boolean;
  width?: number;
  /** Written at the end of the line. */
  end?: string;
  /** As a figure, not as a label. */
  endLarge?: boolean;
  /** A disc on the last value. */
  live?: boolean;
}

/** Minimum, maximum and mean of each step of down-sampled data, drawn as one line that reaches both. */
export interface Range extends Named {
  kind: "range";
  x: readonly number[];
  min: Column;
  max: Column;
  mean: Column;
  end?: string;
  endLarge?: boolean;
  width?: number;
}

/** An interval around something; its name says which one it is. */
export interface Band extends Named {
  kind: "band";
  x: readonly number[];
  low: Column;
  high: Column;
  step?: boolean;
}

export interface Points extends Named {
  kind: "points";
  x: readonly number[];
  y: Column;
  mark: Mark;
  size?: number;
  /** What each point is, such as a vehicle; told when one is picked and written in the table. */
  ids?: readonly string[];
  /** Written beside points; an empty text writes nothing. */
  labels?: readonly string[];
  labelSide?: "left" | "right" | "top";
  /** Many thousands of points. */
  many?: boolean;
  opacity?: number;
  /** A colour for each point, in place of the tone's. */
  colours?: readonly string[];
  /** With a fine ring around each, for colours that are hardly seen on the ground. */
  outlined?: boolean;
}

/** Upright bars from zero, each from `from` to `to`. */
export interface Bars extends Named {
  kind: "bars";
  from: readonly number[];
  to: readonly number[];
  y: Column;
}

/** Straight pieces, such as the stems of points. */
export interface Segments extends Named {
  kind: "segments";
  x1: readonly number[];
  y1: Column;
  x2: readonly number[];
  y2: Column;
  width?: number;
}

export type Series = Line | Range | Band | Points | Bars | Segments;

/** A level, dashed and named with its value. */
export interface Limit {
  y: number;
  label: string;
  tone: Tone;
  /** At the end of the line, or inside the plot on one of its sides. */
  at?: "end" | "above" | "below";
  dash?: Dash;
}

/** A moment or a stretch over all panels. */
export interface Event {
  x: number;
  /** End of a stretch, which is shaded. */
  until?: number;
  label?: string;
  tone: Tone;
  /** Solid, as "now" is. */
  solid?: boolean;
  /** Names a shaded stretch in the legend. */
  legend?: string;
}

export interface YAxis {
  min?: number;
  max?: number;
  /** Text of a tick. `last` is true for the topmost, which may carry the unit. */
  format?: (value: number, last: boolean) => string;
  /** Given ticks, as for named rows. */
  ticks?: readonly { value: number; text: string; strong?: boolean }[];
  /** Draw the zero line. */
  zero?: boolean;
  /** The least that the axis spans, so that noise is not drawn as large as a change. */
  least?: number;
  /** Lines across at most. */
  count?: number;
}

export interface Panel {
  /** Unique within the chart. */
  id: string;
  label?: string;
  /** A second, lighter line below the label. */
  sublabel?: string;
  /** Beside the axis, or inside the plot at the top left. */
  labelAt?: "left" | "inside";
  unit?: string;
  y?: YAxis;
  /** Height in proportion to the others. */
  weight?: number;
  series: readonly Series[];
  limits?: readonly Limit[];
  /** Hatch long stretches without values. */
  hatch?: boolean;
  /** How many digits values are written with where they are read out. */
  digits?: number;
  /** Shade between two levels, such as a goal. */
  goal?: { low: number; high: number; label: string };
}

export interface XAxis {
  kind: "time" | "value";
  /** What it is, for the table and for ears. */
  label: string;
  unit?: string;
  min?: number;
  max?: number;
  format?: (value: number, place: "first" | "middle" | "last") => string;
  /** How a value is written where it is read out; the ticks' way when left out. */
  read?: (value: number) => string;
  ticks?: readonly number[];
  /** Values fall on whole numbers only. */
  whole?: boolean;
}

export interface ChartSpec {
  /** What is drawn, for ears and for the file names of exports. */
  name: string;
  x: XAxis;
  panels: readonly Panel[];
  events?: readonly Event[];
  /** One sentence; made from the data when left out. */
  summary?: string;
}

/** Part of the x axis. */
export type Interval = readonly [number, number];
