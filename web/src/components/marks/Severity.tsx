import { number } from "@/format";
import styles from "./marks.module.css";
import { bySeverity, severity, SEVERITY_NAMES, type AlarmCounts, type SeverityCode } from "./codes";

interface Props {
  code: number;
  /** Show the name beside the mark. */
  word?: boolean;
  /** Show how many there are beside the mark. */
  count?: number;
  size?: number;
}

const SHAPES: Record<SeverityCode, React.ReactNode> = {
  3: (
    <>
      <path className={styles.critFill} d="M4.9 1h6.2L15 4.9v6.2L11.1 15H4.9L1 11.1V4.9z" />
      <path className={styles.critSign} d="M7.1 3.8h1.8l-.3 5H7.4zM7.1 10.2h1.8V12H7.1z" />
    </>
  ),
  2: (
    <>
      <path className={styles.warnFill} d="M8 1.6 15 14H1z" strokeWidth="1.3" strokeLinejoin="round" />
      <path className={styles.dark} d="M7.2 5.8h1.6l-.3 4H7.5zM7.2 10.8h1.6v1.5H7.2z" />
    </>
  ),
  1: (
    <path
      className={styles.noteFill}
      d="M8 1.2 14.8 8 8 14.8 1.2 8z"
      strokeWidth="1.5"
      strokeLinejoin="round"
    />
  ),
  0: (
    <>
      <circle className={styles.info} cx="8" cy="8" r="6.3" fill="none" strokeWidth="1.6" />
      <path className={styles.infoSign} d="M7.1 4.2h1.8V6H7.1zM7.1 7h1.8v5H7.1z" />
    </>
  ),
};
const TEXT: Record<SeverityCode, string | undefined> = {
  3: styles.crit,
  2: styles.warn,
  1: styles.note,
  0: styles.infoText,
};

/** How bad it is, by shape and lightness as well as hue; with its name or a count beside it. */
export function Severity({ code, word = false, count, size = 14 }: Props) {
  const known = severity(code);
  const name = SEVERITY_NAMES[known];
  const mark = (
    <svg
      className={styles.mark}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      {...(word ? { "aria-hidden": true } : { role: "img", "aria-label": name.toLowerCase() })}
    >
      {SHAPES[known]}
    </svg>
  );
  if (!word && count === undefined) return mark;
  return (
    <span className={styles.with}>
      {mark}
      {count === undefined ? null : <span>{number(count)}</span>}
      {word ? <span className={TEXT[known]}>{name}</span> : null}
    </span>
  );
}

/** The worst of some alarms and how many there are of it; "none" without any. */
export function WorstAlarm({ counts }: { counts: Partial<AlarmCounts> }) {
  const all = bySeverity(counts);
  const worst = all[0];
  if (!worst) return <span className={styles.old}>none</span>;
  const told = all.map(([code, many]) => `${number(many)} ${SEVERITY_NAMES[code].toLowerCase()}`).join(", ");
  return (
    <span title={told}>
      <Severity code={worst[0]} count={worst[1]} />
    </span>
  );
}
