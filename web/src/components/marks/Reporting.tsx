import { Time } from "@/format";
import styles from "./marks.module.css";

export type ReportingState = "reporting" | "late" | "stale" | "never";

interface Props {
  state: ReportingState;
  /** When it was last seen; shown beside the mark. */
  at?: string | null;
  /** Show the state in a word beside the mark. */
  word?: boolean;
}

const SHAPES: Record<ReportingState, React.ReactNode> = {
  reporting: <circle cx="5" cy="5" r="3.8" fill="currentColor" />,
  late: (
    <>
      <circle cx="5" cy="5" r="3.4" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <circle cx="5" cy="5" r="1.3" fill="currentColor" />
    </>
  ),
  stale: <circle cx="5" cy="5" r="3.4" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  never: <path d="M1.5 5h7" stroke="currentColor" strokeWidth="1.5" />,
};
const COLOR: Record<ReportingState, string | undefined> = {
  reporting: styles.reporting,
  late: styles.late,
  stale: styles.stale,
  never: styles.stale,
};

/** Whether a vehicle reports: a disc, a ring with a point when it is late, a hollow ring when it is stale. */
export function Reporting({ state, at, word = false }: Props) {
  return (
    <span className={`${styles.with} ${state === "stale" || state === "never" ? styles.old : ""}`}>
      <svg
        className={`${styles.mark} ${COLOR[state]}`}
        width="9"
        height="9"
        viewBox="0 0 10 10"
        {...(word ? { "aria-hidden": true } : { role: "img", "aria-label": state })}
      >
        {SHAPES[state]}
      </svg>
      {word ? <span>{state}</span> : null}
      {at ? <Time at={at} /> : state === "never" && !word ? <span aria-hidden>never</span> : null}
    </span>
  );
}
