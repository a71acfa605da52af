import { Link } from "react-router";
import type { Schemas } from "@/api/client";
import { number } from "@/format";
import styles from "./detail.module.css";

type Detail = Schemas["AlarmDetail"];

/** How good the rule has been, and who else has it now. */
export function RuleRecord({ rule, similar }: Pick<Detail, "rule" | "similar">) {
  const now = similar.filter((one) => one.state !== "cleared");
  const rows: readonly (readonly [string, number])[] = [
    ["Raised", rule.raised],
    ["Confirmed by workshop", rule.confirmed],
    ["False alarms", rule.false],
    ["Open", rule.open],
  ];
  return (
    <section aria-labelledby="rule">
      <h3 id="rule">This rule so far</h3>
      <dl className={styles.figures}>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{number(value)}</dd>
          </div>
        ))}
      </dl>
      {now.length > 0 && (
        <p className={styles.similar}>
          Similar now:{" "}
          {now.map(({ vehicle_id, alarm_id }, at) => (
            <span key={alarm_id}>
              {at > 0 && ", "}
              <Link to={{ pathname: `/alarms/${alarm_id}` }}>{vehicle_id}</Link>
            </span>
          ))}
        </p>
      )}
    </section>
  );
}
