import { utc } from "@/format";
import type { Step } from "./lifecycle";
import styles from "./detail.module.css";
import { whenInFull } from "./when";

/** How far an alarm has come, as a line of steps. */
export function LifeCycle({ steps }: { steps: readonly Step[] }) {
  return (
    <ol className={styles.life} aria-label="Life of the alarm">
      {steps.map(({ name, at, reached, current }) => (
        <li key={name} data-reached={reached} aria-current={current ? "step" : undefined}>
          <span className={styles.name}>{name}</span>
          {at && (
            <time dateTime={at} title={utc(at)}>
              {whenInFull(at)}
            </time>
          )}
        </li>
      ))}
    </ol>
  );
}
