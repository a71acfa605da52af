import { useState, type FormEvent } from "react";
import type { Schemas } from "@/api/client";
import { useConnection } from "@/api/connection";
import { initials } from "@/app/TopBar";
import { Button } from "@/components/Button";
import { utc } from "@/format";
import { act } from "./actions";
import type { Row } from "./filters";
import styles from "./detail.module.css";
import { whenInFull } from "./when";

type Event = Schemas["AlarmEvent"];

const DONE: Readonly<Record<string, string>> = {
  raised: "raised",
  again: "raised again",
  risen: "rose in severity",
  passed: "no longer so",
  gone: "healed and closed",
  acknowledged: "acknowledged",
  unacknowledged: "took the acknowledgement back",
  confirmed: "found the fault real",
  refuted: "called it a false alarm",
  assigned: "assigned",
  commented: "",
  snoozed: "snoozed",
  woken: "ended the snooze",
  cleared: "closed",
};

/** What was done and said, oldest first, and a line to say more. */
export function History({
  alarm,
  history,
  may,
}: {
  alarm: Row;
  history: readonly Event[];
  may: readonly string[];
}) {
  return (
    <section aria-labelledby="comments" className={styles.history}>
      <h3 id="comments">Comments and steps</h3>
      <ol>
        {history.map((event, at) => (
          <Line key={at} event={event} />
        ))}
      </ol>
      {may.includes("comment") && <Say alarm={alarm} />}
    </section>
  );
}

function Line({ event: { who, at, action, comment } }: { event: Event }) {
  const done = DONE[action] ?? action;
  // What the detector notes is short; the words of people stand on lines of their own.
  const beside = action !== "commented" && action !== "cleared" ? comment : "";
  const below = beside ? "" : comment;
  return (
    <li data-quiet={below === ""}>
      <span className={styles.face} aria-hidden="true">
        {who ? initials(who) : "·"}
      </span>
      <div>
        <b>{who || "Detector"}</b> {done} {beside}{" "}
        <time className="support" dateTime={at} title={utc(at)}>
          {whenInFull(at)}
        </time>
        {below && <p>{below}</p>}
      </div>
    </li>
  );
}

function Say({ alarm }: { alarm: Row }) {
  const { up } = useConnection();
  const [text, setText] = useState("");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() && (await act([alarm], "comment", { comment: text.trim() }))) setText("");
  };
  return (
    <form className={styles.say} onSubmit={(event) => void submit(event)}>
      <textarea
        rows={1}
        maxLength={2000}
        placeholder="Write a comment…"
        aria-label="Comment"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey))
            event.currentTarget.form?.requestSubmit();
        }}
      />
      {text.trim() && (
        <Button type="submit" disabled={!up}>
          Comment
        </Button>
      )}
    </form>
  );
}
