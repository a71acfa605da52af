/** The values at the cross-hair, in the heading and not on the data. Nothing while there is no cross-hair. */

import styles from "./charts.module.css";
import { xText } from "./layout";
import { useCursor } from "./link";
import { readingsAt } from "./reading";
import { momentText } from "./scale";
import { xExtent } from "./extent";
import type { ChartSpec, Interval } from "./spec";

interface Props {
  spec: ChartSpec;
  link: string;
  view?: Interval | null | undefined;
  /** Name each value: for lines that their unit does not tell apart. */
  named?: boolean;
}

export function ReadOut({ spec, link, view, named = false }: Props) {
  const [at] = useCursor(link);
  if (at === null) return null;
  return (
    <div className={styles.readout} aria-hidden="true">
      <strong>{xText(spec.x, at, view ?? xExtent(spec), momentText)}</strong>
      {readingsAt(spec, at).map((reading) => (
        <span key={reading.id}>
          {named && <i style={{ width: 8, height: 2, background: `var(--${reading.tone})` }} />}
          {reading.text}
        </span>
      ))}
    </div>
  );
}
