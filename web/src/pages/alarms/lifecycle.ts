// The life of an alarm: failing, confirmed, acknowledged, healing, closed; and how far it has come.
import type { Schemas } from "@/api/client";

type Detail = Pick<Schemas["AlarmDetail"], "alarm" | "history" | "evidence" | "debounce_s">;

export interface Step {
  readonly name: string;
  /** When it was reached; null when it was not. */
  readonly at: string | null;
  readonly reached: boolean;
  readonly current: boolean;
}

function firstOf(detail: Detail, ...actions: string[]): string | null {
  return detail.history.find((one) => actions.includes(one.action))?.at ?? null;
}

function lastOf(detail: Detail, ...actions: string[]): string | null {
  return detail.history.findLast((one) => actions.includes(one.action))?.at ?? null;
}

/** When the condition began to hold: before the alarm by the time it must hold. */
function firstFail({ alarm, evidence, debounce_s: debounce }: Detail): string | null {
  const pending = evidence.filter((one) => one.change === "pending").map((one) => one.at);
  const earliest = pending.toSorted()[0];
  if (earliest !== undefined && earliest < alarm.first_at) return earliest;
  if (debounce == null || debounce <= 0) return null;
  return new Date(Date.parse(alarm.first_at) - debounce * 1000).toISOString();
}

export function lifeOf(detail: Detail): readonly Step[] {
  const { alarm } = detail;
  const closed = alarm.state === "cleared";
  const healing = !closed && !alarm.present;
  const acknowledged = lastOf(detail, "acknowledged");
  const failed = firstFail(detail);
  const reached: readonly (readonly [string, string | null, boolean])[] = [
    ...(failed === null ? [] : [["First fail", failed, true] as const]),
    ["Confirmed", firstOf(detail, "raised") ?? alarm.first_at, true],
    ["Acknowledged", acknowledged, acknowledged !== null && alarm.state !== "active"],
    ["Healing", healing ? lastOf(detail, "passed") : null, healing],
    ["Closed", closed ? lastOf(detail, "cleared", "gone") : null, closed],
  ];
  const last = reached.findLastIndex(([, , there]) => there);
  return reached.map(([name, at, there], place) => ({
    name,
    at: there ? at : null,
    reached: there,
    current: place === last,
  }));
}
