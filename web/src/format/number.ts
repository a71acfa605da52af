/** Figures as they are written: thin space in thousands, a real minus, as many digits as the uncertainty bears. */

/** Narrow no-break space: a figure never breaks over two lines. */
export const THIN = "\u202f";
export const MINUS = "\u2212";
export const NBSP = "\u00a0";
/** What stands for a figure that is not there, where there is no room for "not known yet". */
export const NONE = "–";

const MOST_DIGITS = 6;

function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** A figure with so many decimals; `NONE` when there is none. Nothing is written as minus zero. */
export function number(value: number | null | undefined, digits = 0): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  const [whole = "0", part] = Math.abs(value).toFixed(digits).split(".");
  const zero = Number(`${whole}.${part ?? 0}`) === 0;
  return (value < 0 && !zero ? MINUS : "") + grouped(whole) + (part ? `.${part}` : "");
}

/** A difference: with its sign, plus too; zero has none. */
export function signed(value: number | null | undefined, digits = 1): string {
  const text = number(value, digits);
  const positive = value != null && value > 0 && /[1-9]/.test(text);
  return positive ? `+${text}` : text;
}

/** A figure with its unit after a space that does not break. */
export function quantity(value: number | null | undefined, digits: number, unit: string): string {
  return value == null || !Number.isFinite(value) ? NONE : number(value, digits) + NBSP + unit;
}

/**
 * How many decimals a figure bears that is uncertain by so much to each side: two leading digits of an uncertainty
 * that begins below 3.55, one above, as the Particle Data Group rounds.
 */
export function digitsFor(half: number | null | undefined, most = MOST_DIGITS): number {
  if (half == null || !Number.isFinite(half) || half <= 0) return Math.min(1, most);
  const exponent = Math.floor(Math.log10(half));
  const leading = half / 10 ** exponent;
  return Math.min(Math.max((leading < 3.55 ? 1 : 0) - exponent, 0), most);
}

/** A figure and its uncertainty with the same digits: 87.4 and 1.7, never 87.42. */
export function estimate(value: number | null | undefined, half: number | null | undefined, most = 2) {
  const digits = digitsFor(half, most);
  return { value: number(value, digits), half: half == null ? "" : number(half, digits), digits };
}

/** Many things in words: "1 vehicle", "1 248 vehicles". */
export function count(value: number, one: string, many = `${one}s`): string {
  return number(value) + NBSP + (value === 1 ? one : many);
}

/** A range with an en dash between its ends. */
export function range(low: number | null | undefined, high: number | null | undefined, digits = 1): string {
  return low == null || high == null ? NONE : `${number(low, digits)}–${number(high, digits)}`;
}
