import { useMemo, type ReactNode } from "react";
import { ChartCard, type ChartSpec } from "@/charts";
import { Card } from "@/components/Card";
import { Chip } from "@/components/Chip";
import { Provenance, Reporting } from "@/components/marks";
import { estimate, number, range, signed, Time } from "@/format";
import type { Schemas } from "@/api/client";
import { besideSimilar, habits, habitText, rangeKm, similarAt, type Detail } from "./figures";
import type { TabProps } from ".";
import styles from "./owner.module.css";
import { useNewest, usePast, useSessions } from "./read";

const SCALE = { low: 78, high: 100 };
const END_OF_LIFE = 80;
/** A change is told in tenths of a point. */
const LEAST_PTS = 0.05;
const DAYS_MS = 30 * 24 * 3_600_000;

/** One figure beside similar cars, how far one comes, what changed, and the past. */
export function Health({ car, detail, format }: TabProps) {
  return (
    <div className={styles.cards}>
      <HealthCard detail={detail} />
      <RangeCard car={car} detail={detail} format={format} />
      <ChangedCard car={car} detail={detail} format={format} />
      <PastCard car={car} />
    </div>
  );
}

function HealthCard({ detail }: { detail: Detail }) {
  const { value, low, high } = detail.capacity;
  const { value: text, digits } = estimate(value, high === null || value === null ? null : high - value, 1);
  return (
    <Card>
      <p className={styles.head}>
        <span>
          <Provenance of="estimated" /> Battery health
        </span>
        {value === null ? null : <span>95 % interval</span>}
      </p>
      {value === null ? (
        <NotYet />
      ) : (
        <>
          <p className={styles.headline}>
            <strong>
              {text}
              <small> %</small>
            </strong>
            <span className={styles.between}>
              {number(low, digits)} to {number(high, digits)}
            </span>
          </p>
          <Scale detail={detail} value={value} />
          <p className={styles.beside}>{besideSimilar(detail)}</p>
        </>
      )}
    </Card>
  );
}

function NotYet() {
  return (
    <>
      <p className={styles.unknown}>not known yet</p>
      <p className="support">
        The battery has not been charged far enough in one go to say. One charge over a third of it or more
        helps.
      </p>
    </>
  );
}

/** The figure with its interval, beside similar cars. */
function Scale({ detail, value }: { detail: Detail; value: number }) {
  const { low, high } = detail.capacity;
  const { cohort_p10_pct: from, cohort_p90_pct: to } = detail;
  const bottom = Math.min(SCALE.low, Math.floor((low ?? value) - 1));
  const share = (pct: number) => Math.min(Math.max((pct - bottom) / (SCALE.high - bottom), 0), 1);
  const at = (pct: number) => `${(share(pct) * 100).toFixed(2)}%`;
  const wide = (a: number, b: number) => `calc(${at(b)} - ${at(a)})`;
  const similar = from !== null && to !== null;
  return (
    <div className={styles.scale}>
      <div className={styles.names} aria-hidden>
        <span style={{ left: at(END_OF_LIFE) }} className={styles.first}>
          80 %
        </span>
        {similar ? (
          <span style={{ left: similarAt(share(END_OF_LIFE), (share(from) + share(to)) / 2) }}>
            similar cars
          </span>
        ) : null}
      </div>
      <div
        className={styles.track}
        role="img"
        aria-label={
          similar
            ? `Similar cars lie between ${number(from, 1)} and ${number(to, 1)} %`
            : `On a scale from ${bottom} to ${SCALE.high} %`
        }
      >
        {similar ? (
          <span className={styles.similar} style={{ left: at(from), width: wide(from, to) }} />
        ) : null}
        {low !== null && high !== null ? (
          <span className={styles.interval} style={{ left: at(low), width: wide(low, high) }} />
        ) : null}
        <span className={styles.tick} style={{ left: at(END_OF_LIFE) }} />
        <span className={styles.dot} style={{ left: at(value) }} />
      </div>
      <div className={styles.ends} aria-hidden>
        <span>{number(bottom)} %</span>
        <span>100 %</span>
      </div>
    </div>
  );
}

const DOING = { driving: "driving", charging: "charging", parked: "parked", unknown: "" };

function RangeCard({ car, detail, format }: TabProps) {
  const newest = useNewest(car);
  const drives = useSessions(car, "driving");
  const charged = newest.data?.soc_twin_pct ?? detail.row.soc_pct;
  const far = rangeKm(detail, charged, drives.rows);
  const doing = DOING[detail.state];
  // Old values are old: they are not carried forward.
  const fresh = detail.row.reporting === "reporting" || detail.row.reporting === "late";
  const when = fresh ? "now" : "when last seen";
  if (charged === null) return null;
  return (
    <Card>
      <p className={styles.head}>
        <span>
          <Provenance of={far ? "forecast" : "estimated"} />{" "}
          {far ? `Range ${when}, ${number(charged)}\u00a0% charged` : `Charge ${when}`}
          {fresh && doing ? `, ${doing}` : ""}
        </span>
        {newest.data?.at ? <Reporting state={detail.row.reporting} at={newest.data.at} /> : null}
      </p>
      {far ? (
        <>
          <p className={styles.second}>
            <strong>
              {number(format.toDistance(far.middle))}
              <small> {format.distanceUnit}</small>
            </strong>
            <span>{range(format.toDistance(far.low), format.toDistance(far.high), 0)}</span>
          </p>
          <p className="support">
            As you drove on your last {number(Math.min(drives.rows.length, 100))} trips; 8 in 10 lie in
            between.
          </p>
        </>
      ) : (
        <p className={styles.second}>
          <strong>
            {number(charged)}
            <small> %</small>
          </strong>
        </p>
      )}
    </Card>
  );
}

function ChangedCard({ car, detail, format }: TabProps) {
  const drives = useSessions(car, "driving");
  const charges = useSessions(car, "charging");
  const { change } = detail;
  const newest = Date.parse(detail.row.last_seen_at ?? "") || Date.now();
  const lately = habitText(habits([...drives.rows, ...charges.rows], newest - DAYS_MS), format);
  return (
    <Card
      title="What changed"
      actions={
        change ? (
          <Chip tone={change.change_pts < 0 ? "never" : "good"}>
            {signed(change.change_pts)} since <Time at={change.since} as="day" />
          </Chip>
        ) : null
      }
    >
      {change ? (
        <dl className={styles.changes}>
          <Reason pts={change.wear_pts}>Wear: the battery has aged by use and by time.</Reason>
          <Reason pts={change.knowledge_pts}>
            Better measured: a charge or a drive showed more of the battery than before.
          </Reason>
          <Reason pts={change.change_pts - change.wear_pts - change.knowledge_pts}>
            Corrected: the battery itself did not change.
          </Reason>
        </dl>
      ) : (
        <p className="support">Nothing yet: the figure has not changed since it is known.</p>
      )}
      {lately ? <p className={styles.lately}>The last 30 days: {lately}.</p> : null}
    </Card>
  );
}

/** Part of a change; one too small to be told is left out. */
function Reason({ pts, children }: { pts: number; children: ReactNode }) {
  if (Math.abs(pts) < LEAST_PTS) return null;
  return (
    <>
      <dt>{signed(pts)}</dt>
      <dd>{children}</dd>
    </>
  );
}

function PastCard({ car }: { car: string }) {
  const past = usePast(car);
  const spec = useMemo(
    () => (past.data && past.data.time_ms.length > 1 ? pastSpec(past.data) : null),
    [past.data],
  );
  if (spec === null) return null;
  return (
    <ChartCard
      title="Since you have it"
      known="estimated"
      unit="battery health, %"
      spec={spec}
      height={180}
      readOut="named"
    />
  );
}

function pastSpec(past: Schemas["HealthHistory"]): ChartSpec {
  const { time_ms: x, capacity_pct: y, capacity_sd_pct: sd, cohort_median_pct: median } = past;
  const edge = (side: number) =>
    y.map((value, i) => (value === null ? null : value + side * 2 * (sd[i] ?? 0)));
  const values = [...edge(-1), ...median].filter((value) => value !== null);
  const known = median.some((value) => value !== null);
  return {
    name: "Battery health since you have the car",
    x: { kind: "time", label: "Time" },
    panels: [
      {
        id: "health",
        unit: "%",
        digits: 1,
        y: { min: Math.min(70, ...values.map(Math.floor)), max: 100 },
        series: [
          {
            kind: "band",
            id: "band",
            name: "likely range",
            tone: "estimated",
            x,
            low: edge(-1),
            high: edge(1),
            step: true,
          },
          ...(known
            ? [
                {
                  kind: "line",
                  id: "similar",
                  name: "similar cars",
                  tone: "cohort",
                  x,
                  y: median,
                  dash: "reference",
                } as const,
              ]
            : []),
          { kind: "line", id: "health", name: "your car", tone: "estimated", x, y, step: true, live: true },
        ],
        limits: [{ y: END_OF_LIFE, label: "80 %", tone: "ink-3", dash: "reference" }],
      },
    ],
  };
}
