// A small rounded word: a filter that can be taken off, a state, a severity.
import type { ReactNode } from "react";
import styles from "./Chip.module.css";
import { Icon } from "./Icon";

export type Tone =
  | "accent"
  | "good"
  | "critical"
  | "warning"
  | "notice"
  | "info"
  | "forecast"
  | "never"
  | "neutral"
  | "outline";

interface Props {
  tone?: Tone;
  mark?: ReactNode;
  children: ReactNode;
  /** Take it off; needs its name for those who listen. */
  remove?: { label: string; run: () => void };
}

export function Chip({ tone = "neutral", mark, children, remove }: Props) {
  return (
    <span className={`${styles.chip} ${styles[tone]}`}>
      {mark && <span aria-hidden="true">{mark}</span>}
      {children}
      {remove && (
        <button type="button" aria-label={remove.label} title={remove.label} onClick={remove.run}>
          <Icon name="close" size={12} />
        </button>
      )}
    </span>
  );
}

/** A chip to be pressed and let go: one of several filters. */
export function ToggleChip({
  on,
  set,
  mark,
  children,
}: Omit<Props, "tone" | "remove"> & { on: boolean; set: (on: boolean) => void }) {
  return (
    <button
      type="button"
      className={`${styles.chip} ${styles.toggle}`}
      aria-pressed={on}
      onClick={() => set(!on)}
    >
      {mark && <span aria-hidden="true">{mark}</span>}
      {children}
    </button>
  );
}
