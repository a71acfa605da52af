import { useState } from "react";
import { Dialog } from "@/components/Dialog";
import { count } from "@/format";
import type { Action, Body } from "./actions";
import type { Row } from "./filters";
import styles from "./detail.module.css";
import { tomorrow } from "./snoozes";

interface Props {
  rows: readonly Row[];
  close: () => void;
  run: (action: Action, body: Body) => void;
}

function named(rows: readonly Row[]): string {
  const [only] = rows;
  return rows.length === 1 && only ? `${only.code} of ${only.vehicle_id}` : count(rows.length, "alarm");
}

export function AssignDialog({ rows, close, run }: Props) {
  const [who, setWho] = useState("");
  return (
    <Dialog
      title={`Assign ${named(rows)}`}
      close={close}
      act={{
        label: "Assign",
        run: () => run("assign", { assignee: who.trim() }),
        disabled: who.trim() === "",
      }}
    >
      <label className={styles.field}>
        User name
        <input
          value={who}
          maxLength={64}
          autoCapitalize="none"
          autoComplete="off"
          onChange={(event) => setWho(event.target.value)}
        />
      </label>
    </Dialog>
  );
}

/** As a field for a local time wants it: 2026-11-22T14:30. */
function local(at: Date): string {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function SnoozeDialog({ rows, close, run }: Props) {
  const [until, setUntil] = useState(local(tomorrow()));
  const at = new Date(until);
  const wrong = Number.isNaN(at.getTime()) || at.getTime() <= Date.now();
  return (
    <Dialog
      title={`Snooze ${named(rows)}`}
      close={close}
      act={{ label: "Snooze", run: () => run("snooze", { until: at.toISOString() }), disabled: wrong }}
    >
      <p>It leaves the inbox and gives no notice until then, unless it gets worse.</p>
      <label className={styles.field}>
        Until, local time
        <input
          type="datetime-local"
          value={until}
          min={local(new Date())}
          onChange={(event) => setUntil(event.target.value)}
        />
      </label>
    </Dialog>
  );
}

const VERDICTS: readonly (readonly [string, boolean | null])[] = [
  ["Not known", null],
  ["The fault was real", true],
  ["It was a false alarm", false],
];

export function ClearDialog({ rows, close, run }: Props) {
  const [comment, setComment] = useState("");
  const [confirmed, setConfirmed] = useState<boolean | null>(null);
  return (
    <Dialog
      title={`Close ${named(rows)}`}
      close={close}
      act={{
        label: "Close",
        run: () => run("clear", { comment: comment.trim(), ...(confirmed === null ? {} : { confirmed }) }),
        disabled: comment.trim() === "",
      }}
    >
      <p>
        A closed alarm stays closed. The trouble code of the twin is cleared too; if the fault is still there,
        it comes again as a new alarm.
      </p>
      <label className={styles.field}>
        Why it is over
        <textarea
          rows={2}
          maxLength={2000}
          value={comment}
          onChange={(event) => setComment(event.target.value)}
        />
      </label>
      <fieldset className={styles.verdicts}>
        <legend>What it was</legend>
        {VERDICTS.map(([label, value]) => (
          <label key={label}>
            <input
              type="radio"
              name="verdict"
              checked={confirmed === value}
              onChange={() => setConfirmed(value)}
            />
            {label}
          </label>
        ))}
      </fieldset>
    </Dialog>
  );
}
