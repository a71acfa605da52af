import styles from "./fleet.module.css";

/** To each side, in standard deviations. */
const HALF = 2;
const LOW = 70;
const HIGH = 100;
const END_OF_LIFE = 80;

const place = (value: number) => Math.min(Math.max((value - LOW) / (HIGH - LOW), 0), 1) * 100;

/** A capacity health with its interval, on the scale that all rows share; the tick is at 80 %. */
export function IntervalBar({ value, sd }: { value: number; sd: number | null }) {
  const half = (sd ?? 0) * HALF;
  const from = place(value - half);
  return (
    <span className={styles.interval} aria-hidden>
      <span className={styles.tick} style={{ left: `${place(END_OF_LIFE)}%` }} />
      <span className={styles.band} style={{ left: `${from}%`, width: `${place(value + half) - from}%` }} />
      <span className={styles.dot} style={{ left: `${place(value)}%` }} />
    </span>
  );
}

/** A deviation from the cohort: grey, since it is a fact and not an alarm. */
export function DeviationBar({ value, low, high }: { value: number; low: number; high: number }) {
  const width = high - low || 1;
  const at = (pts: number) => Math.min(Math.max((pts - low) / width, 0), 1) * 100;
  const [from, to] = value < 0 ? [at(value), at(0)] : [at(0), at(value)];
  return (
    <span className={styles.deviation} aria-hidden>
      <span className={styles.bar} style={{ left: `${from}%`, width: `${to - from}%` }} />
      <span className={styles.zero} style={{ left: `${at(0)}%` }} />
    </span>
  );
}

const WIDTH = 88;
const HEIGHT = 18;
const EDGE = 3;

/** Points of a line that fills its box, by its own scale; nothing is drawn over what is missing. */
export function sparkPath(values: readonly (number | null)[]): {
  path: string;
  end: [number, number] | null;
} {
  const known = values.filter((value) => value !== null);
  const low = Math.min(...known);
  const height = Math.max(...known) - low || 1;
  let path = "";
  let end: [number, number] | null = null;
  let gap = true;
  values.forEach((value, index) => {
    if (value === null) {
      gap = true;
      return;
    }
    const x = EDGE + (index / Math.max(values.length - 1, 1)) * (WIDTH - 2 * EDGE);
    const y = HEIGHT - EDGE - ((value - low) / height) * (HEIGHT - 2 * EDGE);
    path += `${gap ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    end = [x, y];
    gap = false;
  });
  return { path, end };
}

/** The shape of the last 12 months. */
export function Spark({ values }: { values: readonly (number | null)[] }) {
  const { path, end } = sparkPath(values);
  if (end === null) return null;
  return (
    <svg className={styles.spark} width={WIDTH} height={HEIGHT} aria-hidden>
      <path d={path} fill="none" stroke="currentColor" strokeWidth="1.4" strokeLinejoin="round" />
      <circle cx={end[0]} cy={end[1]} r="2" fill="currentColor" />
    </svg>
  );
}
