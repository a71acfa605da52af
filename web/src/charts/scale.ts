/** Round ticks, and places on an axis. */

export interface Ticks {
  min: number;
  max: number;
  step: number;
  values: number[];
}

const ROUND = [1, 2, 2.5, 5];
/** What rounding leaves of a whole number. */
const DUST = 1e-9;

/** The round steps, of which at most `count` lines cross the range; the range is widened to whole steps. */
export function niceTicks(low: number, high: number, count: number): Ticks {
  const [min, max] = widened(low, high);
  return firstFitting(min, max, count, (step) => [
    Math.floor(min / step + DUST),
    Math.ceil(max / step - DUST),
  ]);
}

/** Round ticks inside a range that stays as it is. */
export function ticksWithin(low: number, high: number, count: number): Ticks {
  const [min, max] = widened(low, high);
  const ticks = firstFitting(min, max, count, (step) => [
    Math.ceil(min / step - DUST),
    Math.floor(max / step + DUST),
  ]);
  return { ...ticks, min: low, max: high };
}

type Multiples = (step: number) => [first: number, last: number];

/** The finest of the round steps that has no more lines than wanted. */
function firstFitting(min: number, max: number, count: number, multiples: Multiples): Ticks {
  // A range over zero has a line at zero and one to each side at least.
  const most = Math.max(min < 0 && max > 0 ? 3 : 2, count);
  for (let scale = 10 ** Math.floor(Math.log10((max - min) / most) - 1); ; scale *= 10) {
    for (const round of ROUND) {
      const [first, last] = multiples(round * scale);
      if (last - first + 1 <= most) return stepped(first, last, round * scale);
    }
  }
}

function widened(low: number, high: number): [number, number] {
  if (high > low) return [low, high];
  const about = Math.abs(low) * 0.01 || 1;
  return [low - about, low + about];
}

function stepped(first: number, last: number, step: number): Ticks {
  const values = Array.from({ length: last - first + 1 }, (_, i) => rounded((first + i) * step, step));
  return { min: values[0] ?? 0, max: values[values.length - 1] ?? 1, step, values };
}

/** Without the dust that multiplying leaves behind. */
function rounded(value: number, step: number): number {
  return Number(value.toFixed(Math.max(0, decimals(step))));
}

/** How many digits after the point a step needs. */
export function decimals(step: number): number {
  for (let digits = 0; digits < 12; digits += 1) {
    const scaled = step * 10 ** digits;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * Math.max(1, scaled)) return digits;
  }
  return 12;
}

const S = 1000;
const MIN = 60 * S;
const H = 60 * MIN;
const DAY = 24 * H;
const CLOCK_STEPS = [1, 2, 5, 10, 15, 30]
  .map((n) => n * S)
  .concat([1, 2, 5, 10, 15, 30].map((n) => n * MIN))
  .concat([1, 2, 3, 6, 12].map((n) => n * H));
const DAY_STEPS = [1, 2, 7, 14];
const MONTH_STEPS = [1, 3, 6, 12, 24, 60, 120];

export interface TimeTicks {
  values: number[];
  /** Text of each, local time. */
  texts: string[];
}

/** Ticks at round local times, at most about `count`. */
export function timeTicks(low: number, high: number, count: number): TimeTicks {
  const span = Math.max(1, high - low);
  const enough = span / Math.max(1, count);
  const clock = CLOCK_STEPS.find((step) => step >= enough);
  if (clock !== undefined) return clockTicks(low, high, clock);
  const days = DAY_STEPS.find((step) => step * DAY >= enough);
  if (days !== undefined) return calendarTicks(low, high, days, 0);
  const months = MONTH_STEPS.find((step) => step * 30.4 * DAY >= enough) ?? 120;
  return calendarTicks(low, high, 0, months);
}

function clockTicks(low: number, high: number, step: number): TimeTicks {
  const values: number[] = [];
  const day = new Date(low);
  day.setHours(0, 0, 0, 0);
  // Each day starts anew at its own midnight, so that ticks stay round over a change of the clocks.
  while (day.getTime() <= high) {
    const next = new Date(day);
    next.setDate(next.getDate() + 1);
    for (let t = day.getTime(); t < next.getTime(); t += step) if (t >= low && t <= high) values.push(t);
    day.setTime(next.getTime());
  }
  const seconds = step < MIN;
  return { values, texts: values.map((t) => clockText(t, seconds)) };
}

function clockText(t: number, seconds: boolean): string {
  const date = new Date(t);
  if (date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0) return dayText(t);
  return clockOf(t, seconds);
}

/** Local time of day. */
export function clockOf(t: number, seconds: boolean): string {
  const date = new Date(t);
  const text = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return seconds ? `${text}:${two(date.getSeconds())}` : text;
}

const two = (n: number): string => String(n).padStart(2, "0");
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Local day and month. */
export function dayText(t: number): string {
  const date = new Date(t);
  return `${date.getDate()} ${MONTHS[date.getMonth()]}`;
}

function calendarTicks(low: number, high: number, days: number, months: number): TimeTicks {
  const values: number[] = [];
  const date = calendarStart(low, months);
  for (
    ;
    date.getTime() <= high;
    date.setDate(date.getDate() + days), date.setMonth(date.getMonth() + months)
  ) {
    if (date.getTime() >= low) values.push(date.getTime());
  }
  return { values, texts: values.map((t) => calendarText(t, months)) };
}

function calendarStart(low: number, months: number): Date {
  const date = new Date(low);
  if (months >= 12) {
    const years = months / 12;
    return new Date(Math.floor(date.getFullYear() / years) * years, 0, 1);
  }
  if (months > 0) return new Date(date.getFullYear(), Math.floor(date.getMonth() / months) * months, 1);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

function calendarText(t: number, months: number): string {
  const date = new Date(t);
  if (months === 0) return dayText(t);
  if (months >= 12 || date.getMonth() === 0) return String(date.getFullYear());
  return `${MONTHS[date.getMonth()]}`;
}

/** A moment where it is read out: as fine as the range it is seen in needs. */
export function momentText(t: number, span: number): string {
  if (span > 300 * DAY) return `${dayText(t)} ${new Date(t).getFullYear()}`;
  if (span > 2 * DAY) return `${dayText(t)} ${clockOf(t, false)}`;
  return clockOf(t, span < 20 * MIN);
}

/** From values to pixels. */
export interface Scale {
  (value: number): number;
  back: (pixel: number) => number;
}

/** A straight scale from a domain to a range of pixels. */
export function linear(d0: number, d1: number, p0: number, p1: number): Scale {
  const factor = d1 === d0 ? 0 : (p1 - p0) / (d1 - d0);
  const to = (value: number): number => p0 + (value - d0) * factor;
  const back = (pixel: number): number => (factor === 0 ? d0 : d0 + (pixel - p0) / factor);
  return Object.assign(to, { back });
}
