import type { ReactNode } from "react";
import { Link, useLocation } from "react-router";
import { Provenance, Severity, SEVERITY_NAMES, bySeverity } from "@/components/marks";
import { count, number, range } from "@/format";
import { NARROWING } from "./filters";
import styles from "./fleet.module.css";
import type { Summary } from "./read";

/** The address with one filter, and without those that narrow otherwise. */
function only(search: string, name: string | null, value = ""): string {
  const query = new URLSearchParams(search);
  for (const narrowing of NARROWING) query.delete(narrowing);
  if (name !== null) query.set(name, value);
  return `?${query.toString()}`;
}

/** The five figures of the fleet; each leads to the vehicles behind it. */
export function Strip({ summary }: { summary: Summary }) {
  const { search } = useLocation();
  const { vehicles, reporting, late, stale, never, alarms } = summary;
  const share = vehicles > 0 ? `${number((100 * reporting) / vehicles, 1)}\u00a0%` : "";
  const rest = [
    late > 0 && `${number(late)} late`,
    stale > 0 && `${number(stale)} stale`,
    never > 0 && `${number(never)} never seen`,
  ];
  const low = summary.health_low_pct ?? null;
  const high = summary.health_high_pct ?? null;
  return (
    <section className={styles.strip} aria-label="The fleet in five figures">
      <Figure head="Vehicles">
        <Link to={only(search, null)}>{number(vehicles)}</Link>
        <small>{count(summary.packs.length, "model")}</small>
      </Figure>
      <Figure head="Reporting now" mark={<Provenance of="measured" />}>
        <Link to={only(search, "reporting", "reporting")}>{number(reporting)}</Link>
        <small>{[share, ...rest.filter(Boolean)].filter(Boolean).slice(0, 2).join(" · ")}</small>
      </Figure>
      <Alarms alarms={alarms} search={search} />
      <Figure head="Median capacity health" mark={<Provenance of="estimated" />}>
        {summary.health_median_pct === null ? (
          <span className={styles.soft}>not known yet</span>
        ) : (
          <>
            <Link to={only(search, "health", `..${summary.health_median_pct.toFixed(1)}`)}>
              {number(summary.health_median_pct, 1)}
              <span className={styles.unit}> %</span>
            </Link>
            <small>mid half {range(low, high, 1)}</small>
          </>
        )}
      </Figure>
      <Figure head="Twins overdue">
        <Link to={only(search, "overdue", "1")}>{number(summary.overdue)}</Link>
        <small>no accepted update in {number(summary.overdue_days)} d</small>
      </Figure>
    </section>
  );
}

function Figure({ head, mark, children }: { head: string; mark?: ReactNode; children: ReactNode }) {
  return (
    <div className={styles.kpi}>
      <p className={styles.kpiHead}>
        {head} {mark}
      </p>
      <p className={styles.figure}>{children}</p>
    </div>
  );
}

function Alarms({ alarms, search }: { alarms: Summary["alarms"]; search: string }) {
  const counted = bySeverity(alarms).filter(([code]) => code > 0);
  return (
    <Figure head="Active alarms">
      {counted.length === 0 ? <span>{number(0)}</span> : null}
      {counted.map(([code, many]) => (
        <span key={code} className={styles.severity}>
          <Link
            to={only(search, "severity", String(code))}
            aria-label={`${many} ${SEVERITY_NAMES[code].toLowerCase()}`}
          >
            <Severity code={code} size={16} /> {number(many)}
          </Link>
          <small aria-hidden>{SEVERITY_NAMES[code].toLowerCase()}</small>
        </span>
      ))}
    </Figure>
  );
}
