import styles from "./marks.module.css";

export type ProvenanceName = "measured" | "estimated" | "forecast";

interface Props {
  of: ProvenanceName;
  /** Show the word beside the mark; without it the mark is named for those who cannot see it. */
  word?: boolean;
  size?: number;
}

const SHAPES: Record<ProvenanceName, React.ReactNode> = {
  measured: <circle cx="6" cy="6" r="4.6" fill="currentColor" />,
  estimated: (
    <>
      <circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M6 1.4a4.6 4.6 0 0 0 0 9.2z" fill="currentColor" />
    </>
  ),
  forecast: (
    <circle
      cx="6"
      cy="6"
      r="4.6"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeDasharray="2.4 1.73"
      strokeDashoffset="1.2"
    />
  ),
};

/** How a figure is known: a sensor said so, the twin inferred it, or it has not happened. */
export function Provenance({ of, word = false, size = 11 }: Props) {
  const mark = (
    <svg
      className={`${styles.mark} ${styles[of]}`}
      width={size}
      height={size}
      viewBox="0 0 12 12"
      {...(word ? { "aria-hidden": true } : { role: "img", "aria-label": of })}
    >
      {SHAPES[of]}
    </svg>
  );
  if (!word) return mark;
  return (
    <span className={styles.with}>
      {mark}
      {of}
    </span>
  );
}
