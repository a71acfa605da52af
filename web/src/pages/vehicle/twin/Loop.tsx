/** The last loop in five steps: predict, measure, decide, recalibrate, outcome. */

import { Card } from "@/components/Card";
import { Icon } from "@/components/Icon";
import type { Twin } from "../data";
import styles from "./twin.module.css";

export function Loop({ twin }: { twin: Twin }) {
  if (twin.loop.length === 0) {
    return (
      <Card>
        <p className="support">
          No update was decided yet. A trip whose error passes the limit proposes new parameters; the five
          steps of it will stand here.
        </p>
      </Card>
    );
  }
  return (
    <Card className={styles.loop}>
      <h2 className="spoken">The last loop</h2>
      <ol>
        {twin.loop.map((step, i) => {
          const [word, ...rest] = step.title.split(" ");
          return (
            <li key={step.title} data-last={i === twin.loop.length - 1} data-refused={word === "Refused"}>
              <span className={styles.step} aria-hidden="true">
                {word === "Refused" ? <Icon name="close" size={14} /> : i + 1}
              </span>
              <div>
                <p>
                  <b>{word}</b> {rest.join(" ")}
                </p>
                <p className="axis" title={step.detail}>
                  {step.detail}
                </p>
              </div>
            </li>
          );
        })}
      </ol>
    </Card>
  );
}
