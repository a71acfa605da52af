import type { ReactNode } from "react";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { Empty, Shown } from "@/components/States";
import { number } from "@/format";
import type { Trip } from "./figures";
import styles from "./owner.module.css";
import type { useSessions } from "./read";

interface Props {
  title: string;
  what: string;
  list: ReturnType<typeof useSessions>;
  empty: string;
  row: (trip: Trip) => ReactNode;
}

/** Sessions, newest first; earlier ones come when they are asked for. */
export function Sessions({ title, what, list, empty, row }: Props) {
  const here = list.rows.length;
  return (
    <Card
      title={title}
      unit={
        list.data
          ? here < list.total
            ? `${number(here)} of ${number(list.total)}`
            : number(list.total)
          : undefined
      }
    >
      <Shown query={list} what={what} heights={[40, 40, 40]}>
        {() =>
          here === 0 ? (
            <Empty title={empty} />
          ) : (
            <>
              <ul className={styles.sessions}>
                {list.rows.map((trip) => (
                  <li key={trip.number}>{row(trip)}</li>
                ))}
              </ul>
              {list.hasNextPage ? (
                <Button disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                  Show earlier ones
                </Button>
              ) : null}
            </>
          )
        }
      </Shown>
    </Card>
  );
}

/** A few figures over a list. */
export function Figures({ children, label }: { children: ReactNode; label: string }) {
  return (
    <section className={styles.figures} aria-label={label}>
      {children}
    </section>
  );
}

export function Figure({
  head,
  value,
  unit,
  children,
}: {
  head: string;
  value: string;
  unit?: string;
  children?: ReactNode;
}) {
  return (
    <div>
      <p className="support">{head}</p>
      <p className={styles.figure}>
        {value}
        {unit ? <small> {unit}</small> : null}
      </p>
      {children ? <p className="support">{children}</p> : null}
    </div>
  );
}

const SINCE_DAYS = 30;

/** The 30 days before the newest of some sessions. */
export function lastMonth(rows: readonly Trip[]): number {
  const newest = rows.reduce((most, trip) => Math.max(most, Date.parse(trip.end)), 0);
  return newest - SINCE_DAYS * 24 * 3_600_000;
}

export const seconds = (trip: Trip): number => (Date.parse(trip.end) - Date.parse(trip.start)) / 1000;
