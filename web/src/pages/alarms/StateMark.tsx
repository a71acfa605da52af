import { Icon, type IconName } from "@/components/Icon";
import type { Row } from "./filters";
import styles from "./alarms.module.css";

export type Standing = "Active" | "Acknowledged" | "Snoozed" | "Healing" | "Closed";

/** How an alarm stands, in one word: what it is not about to bother anybody with comes first. */
export function standing(
  alarm: Pick<Row, "state" | "present" | "snoozed_until">,
  now: number = Date.now(),
): Standing {
  if (alarm.state === "cleared") return "Closed";
  if (alarm.snoozed_until && Date.parse(alarm.snoozed_until) > now) return "Snoozed";
  if (!alarm.present) return "Healing";
  return alarm.state === "acknowledged" ? "Acknowledged" : "Active";
}

const ICONS: Readonly<Partial<Record<Standing, IconName>>> = {
  Acknowledged: "check",
  Snoozed: "clock",
  Healing: "leaf",
  Closed: "check",
};

export function StateMark({ alarm }: { alarm: Row }) {
  const word = standing(alarm);
  const icon = ICONS[word];
  return (
    <span className={styles.state} data-standing={word}>
      {icon ? <Icon name={icon} size={13} /> : <span className={styles.disc} aria-hidden="true" />}
      {word}
    </span>
  );
}
