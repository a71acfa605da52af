// What people do about alarms: the effect is named, and can be undone where that is possible.
import { answered, api, ApiError, queries, type Schemas } from "@/api/client";
import { toast } from "@/components/Toast";
import { count } from "@/format";
import type { Row } from "./filters";
import { putRows } from "./list";
import { when } from "./when";

export type Action = Schemas["BulkRequest"]["action"];
export type Body = Partial<Schemas["ActionRequest"]>;

const NOTHING = { comment: "", assignee: "" };

/** One request for one alarm, with the revision that was seen; one for many, each for itself. */
async function send(
  rows: readonly Row[],
  action: Action,
  body: Body,
): Promise<{ done: Row[]; refused: string[] }> {
  const [only] = rows;
  if (rows.length === 1 && only) {
    const path = { alarm_id: only.alarm_id, action };
    // A comment or another word does not hang on what was seen: it never overwrites.
    const seen = action === "comment" ? {} : { revision: only.revision };
    const row = await answered(
      api.POST("/v1/alarms/{alarm_id}/{action}", {
        params: { path },
        body: { ...NOTHING, ...body, ...seen },
      }),
    );
    return { done: [row], refused: [] };
  }
  const alarm_ids = rows.map((row) => row.alarm_id);
  const { items } = await answered(
    api.POST("/v1/alarms/bulk", { body: { alarm_ids, action, body: { ...NOTHING, ...body } } }),
  );
  return {
    done: items.flatMap((one) => (one.done && one.alarm ? [one.alarm] : [])),
    refused: items.flatMap((one) => (one.done ? [] : [one.detail])),
  };
}

function named(rows: readonly Row[]): string {
  const [only] = rows;
  return rows.length === 1 && only ? `${only.vehicle_id} ${only.code}` : count(rows.length, "alarm");
}

/** What was done, in words. */
export function told(rows: readonly Row[], action: Action, body: Body): string {
  switch (action) {
    case "acknowledge":
      return `${named(rows)} acknowledged`;
    case "unacknowledge":
      return `${named(rows)} no longer acknowledged`;
    case "snooze":
      return `${named(rows)} snoozed until ${body.until ? when(body.until) : "later"}`;
    case "assign":
      return `${named(rows)} ${body.assignee ? `assigned to ${body.assignee}` : "assigned to nobody"}`;
    case "clear":
      return `${named(rows)} closed`;
    case "comment":
      return `Comment added to ${named(rows)}`;
    default:
      return `${named(rows)} back in the inbox`;
  }
}

/** What takes it back; null where nothing does. `before` is how the alarms stood. */
export function undoOf(action: Action, before: readonly Row[]): { action: Action; body: Body } | null {
  switch (action) {
    case "acknowledge":
      return { action: "unacknowledge", body: {} };
    case "snooze":
      return { action: "unsnooze", body: {} };
    case "assign": {
      const [first] = before;
      const same = first && before.every((row) => row.assignee === first.assignee);
      return same ? { action: "assign", body: { assignee: first.assignee } } : null;
    }
    default:
      return null;
  }
}

/** Do it, say so, and offer to take it back. Returns whether it was done for all. */
export async function act(rows: readonly Row[], action: Action, body: Body = {}): Promise<boolean> {
  try {
    const { done, refused } = await send(rows, action, body);
    putRows(done);
    if (done.length > 0) {
      const back = undoOf(action, rows);
      const undo = back && { undo: () => void act(done, back.action, back.body) };
      toast({ text: told(done, action, body), ...undo });
    }
    if (refused.length > 0)
      toast({ text: `${count(refused.length, "alarm")} not changed: ${refused[0]}`, bad: true });
    return refused.length === 0;
  } catch (error) {
    const problem = error as ApiError;
    const text =
      problem.status === 409
        ? "Somebody changed it meanwhile. It is shown now as it is: look at it and decide again."
        : problem.status === 0
          ? "No connection: nothing was changed."
          : `Not done: ${problem.message}`;
    toast({ text, bad: true });
    return false;
  } finally {
    void queries.invalidateQueries({ queryKey: ["alarms"] });
    void queries.invalidateQueries({ queryKey: ["alarm"] });
  }
}
