import styles from "./data.module.css";

/** Commands to copy, with a word of what they do. */
export function HowTo({ lines, guide }: { lines: readonly string[]; guide: string }) {
  return (
    <div className={styles.howTo}>
      <pre tabIndex={0} aria-label="Commands">
        <code>{lines.join("\n")}</code>
      </pre>
      <p className="support">{guide}</p>
    </div>
  );
}
