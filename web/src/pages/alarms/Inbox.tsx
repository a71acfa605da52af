import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { Button } from "@/components/Button";
import { Severity } from "@/components/marks";
import { number, utc } from "@/format";
import { Actions } from "./Actions";
import type { Row } from "./filters";
import { StateMark } from "./StateMark";
import styles from "./alarms.module.css";
import { when } from "./when";

interface Props {
  rows: readonly Row[];
  total: number;
  waiting: number;
  showNew: () => void;
  chosen: string;
  ticked: ReadonlySet<string>;
  tick: (ids: readonly string[], on: boolean) => void;
  address: (alarmId: string) => string;
  more: (() => void) | null;
  /** Whether alarms may be acted on. */
  acting: boolean;
  me: string;
  hold: (held: boolean) => void;
}

/** The list: severity, then newest. Check boxes for those who may act on several at once. */
export function Inbox(props: Props) {
  const { rows, waiting, showNew, chosen, acting, hold } = props;
  const list = useRef<HTMLUListElement>(null);
  const { over, handlers } = useHeld();
  useEffect(() => hold(over), [over, hold]);
  useEffect(() => {
    list.current?.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    <div className={styles.inbox} {...handlers}>
      {waiting > 0 && (
        <button type="button" className={styles.waiting} onClick={showNew}>
          {number(waiting)} new
        </button>
      )}
      <ul ref={list} className={styles.list} aria-label="Alarms">
        {rows.map((row) => (
          <One key={row.alarm_id} row={row} {...props} acting={acting} />
        ))}
        {props.more && (
          <li className={styles.more}>
            <Button onClick={props.more}>Show more</Button>
          </li>
        )}
      </ul>
      <Footer {...props} />
    </div>
  );
}

/** Whether the pointer or the focus is in the list. */
function useHeld() {
  const [over, setOver] = useState(false);
  const handlers = {
    onPointerEnter: () => setOver(true),
    onPointerLeave: () => setOver(false),
    onFocus: () => setOver(true),
    onBlur: () => setOver(false),
  };
  return { over, handlers };
}

function One({ row, chosen, ticked, tick, address, acting, me }: Props & { row: Row }) {
  const who = row.assignee === "" ? "unassigned" : row.assignee === me ? "you" : row.assignee;
  return (
    <li className={styles.row} aria-current={row.alarm_id === chosen}>
      {acting && (
        <label className={styles.box}>
          <input
            type="checkbox"
            aria-label={`Select ${row.title} of ${row.vehicle_id}`}
            checked={ticked.has(row.alarm_id)}
            onChange={(event) => tick([row.alarm_id], event.target.checked)}
          />
        </label>
      )}
      <Severity code={row.severity} size={15} />
      <div className={styles.what}>
        <Link to={address(row.alarm_id)} className={styles.open}>
          {row.title}
        </Link>
        <p>
          <code>{row.code}</code> <b>{row.vehicle_id}</b> {row.subject && `${row.subject} · `}
          <span>{who}</span>
        </p>
      </div>
      <div className={styles.how}>
        <StateMark alarm={row} />
        <p>
          last{" "}
          <time dateTime={row.last_at} title={utc(row.last_at)}>
            {when(row.last_at)}
          </time>{" "}
          · {number(row.count)}×
        </p>
      </div>
    </li>
  );
}

function Footer({ rows, total, ticked, tick, acting }: Props) {
  const some = rows.filter((row) => ticked.has(row.alarm_id));
  const loaded = rows.length < total ? `${number(rows.length)} of ${number(total)}` : number(total);
  if (some.length === 0) {
    return (
      <div className={styles.footer}>
        <span>
          {loaded}
          {acting && " · none selected"}
        </span>
        <span className={styles.keys} aria-hidden="true">
          <kbd>J</kbd>
          <kbd>K</kbd> move
          {acting && (
            <>
              <kbd>A</kbd> acknowledge <kbd>S</kbd> snooze
            </>
          )}
        </span>
      </div>
    );
  }
  const active = some.some((row) => row.state === "active");
  const open = some.every((row) => row.state !== "cleared");
  const may = [...(active ? ["acknowledge"] : []), ...(open ? ["snooze", "assign"] : [])];
  const none = () => tick([...ticked], false);
  return (
    <div className={styles.footer} data-selected>
      <span role="status">{number(some.length)} selected</span>
      <Button
        kind="quiet"
        small
        onClick={() =>
          tick(
            rows.map((row) => row.alarm_id),
            true,
          )
        }
      >
        All {number(rows.length)}
      </Button>
      <Button kind="quiet" small onClick={none}>
        None
      </Button>
      <div className={styles.bulk}>
        <Actions rows={some} may={may} filled={false} done={none} />
      </div>
    </div>
  );
}
