// What stands in place of figures: loading, empty, nothing matches, error, not known yet, no access.
import { useEffect, useState, type ReactNode } from "react";
import { ApiError } from "@/api/problem";
import { Button, LinkButton } from "./Button";
import { Icon } from "./Icon";
import styles from "./States.module.css";

const LATE_MS = 200;

/** Grey blocks in the place of what comes, after 200 ms. `heights` are in px; narrow ones are drawn shorter. */
export function Loading({
  heights = [14, 26, 120],
  label = "Loading",
}: {
  heights?: readonly number[];
  label?: string;
}) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), LATE_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className={styles.loading} role="status" aria-label={label} data-late={late}>
      {heights.map((height, at) => (
        <div key={at} style={{ height, width: height < 20 ? "40%" : height < 40 ? "28%" : "100%" }} />
      ))}
    </div>
  );
}

/** Nothing is there yet: what to do next, with the button for it. */
export function Empty({
  title,
  children,
  actions,
}: {
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <div className={styles.plain}>
      <p className={styles.title}>{title}</p>
      {children && <p className={styles.text}>{children}</p>}
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}

/** Filters leave nothing: how near the nearest is, and the way back. */
export function NothingMatches({
  title,
  nearest,
  clear,
}: {
  title: string;
  nearest?: string;
  clear: () => void;
}) {
  return (
    <div className={styles.plain}>
      <p className={styles.title}>{title}</p>
      {nearest && <p className={styles.text}>{nearest}</p>}
      <div className={styles.actions}>
        <Button onClick={clear}>Clear filters</Button>
      </div>
    </div>
  );
}

interface FailedProps {
  /** What failed: "The trips could not be loaded". */
  what: string;
  error: ApiError;
  retry?: () => void;
  /** What still holds: "Health above is current." */
  holds?: string;
  page?: boolean;
}

/** Something could not be had: what failed, what still holds, and the request as in the service's log. */
export function Failed({ what, error, retry, holds, page = false }: FailedProps) {
  if (error.hidden) return <NoAccess />;
  return (
    <div className={`${styles.failed} ${page ? styles.page : ""}`} role="alert">
      <p className={styles.title}>
        <span className={styles.crit}>
          <Octagon />
        </span>
        {what}
      </p>
      <p className={styles.text}>
        {error.status === 0
          ? "The service did not answer."
          : `${error.message}${/[.!?]$/.test(error.message) ? "" : "."}`}
        {holds ? ` ${holds}` : ""}
      </p>
      <div className={styles.row}>
        {retry && <Button onClick={retry}>Try now</Button>}
        {error.request && <code>request {error.request}</code>}
      </div>
    </div>
  );
}

/** The same whether a thing is hidden or does not exist. */
export function NoAccess({ to = "/", back = "Back to the start" }: { to?: string; back?: string }) {
  return (
    <div className={styles.plain}>
      <p className={styles.title}>This page is not available to you</p>
      <p className={styles.text}>It may not exist, or it belongs to another fleet.</p>
      <div className={styles.actions}>
        <LinkButton to={to}>{back}</LinkButton>
      </div>
    </div>
  );
}

/** A figure that the twin does not know yet: why, and what would help. `done` of 1 draws how far it is. */
export function NotKnown({ why, helps, done }: { why?: string; helps?: string; done?: number }) {
  return (
    <div>
      <p className={styles.unknown}>not known yet</p>
      {(why || helps) && (
        <p className={styles.text}>
          {why} {helps}
        </p>
      )}
      {done !== undefined && (
        <div
          className={styles.progress}
          role="progressbar"
          aria-valuenow={Math.round(done * 100)}
          aria-label="Known so far"
        >
          <div style={{ width: `${done * 100}%` }} />
        </div>
      )}
    </div>
  );
}

/** An age that is too old to be taken for now: hollow mark and how long ago. */
export function Stale({ age }: { age: string }) {
  return (
    <span className={styles.stale}>
      <span className={styles.hollow} aria-hidden="true" />
      last seen {age}
    </span>
  );
}

/** A version that was refused is no error: a rust cross with its reason. */
export function Refused({ children }: { children: ReactNode }) {
  return (
    <span className={styles.refused}>
      <Icon name="close" size={12} />
      {children}
    </span>
  );
}

function Octagon() {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" fill="var(--crit)" />
      <path d="M8 4v5M8 11.6v.4" stroke="var(--surface)" strokeWidth="1.8" strokeLinecap="round" />
    </svg>
  );
}

/** What a card shows of something that is read: its content once there, else the state that stands for it. */
export function Shown<T>({
  query,
  what,
  heights,
  children,
}: {
  query: { data: T | undefined; error: ApiError | null; refetch: () => unknown };
  what: string;
  heights?: readonly number[];
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <Failed what={what} error={query.error} retry={() => void query.refetch()} />;
  return <Loading {...(heights ? { heights } : {})} />;
}
