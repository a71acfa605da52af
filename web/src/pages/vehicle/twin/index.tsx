/** Twin: the last loop, then its proof trip by trip, its parameters, how far its bands hold, and all versions. */

import { useMemo } from "react";

import { useUrlState } from "@/app/url";
import { ChartCard, type Pick } from "@/charts";
import { Chip } from "@/components/Chip";
import { Empty, Failed, Loading } from "@/components/States";
import { count, estimate, moment, number } from "@/format";
import type { TabProps } from "..";
import { useTwin, type Twin } from "../data";
import { useHistory } from "./data";
import { Loop } from "./Loop";
import { coverageSpec, digitsOf, errorSpec, parameterSpec, type ParameterSeries } from "./specs";
import { TripCard } from "./TripCard";
import styles from "./twin.module.css";
import { Versions } from "./Versions";

export default function TwinTab({ vehicle }: TabProps) {
  const id = vehicle.row.vehicle_id;
  const [at, setAt] = useUrlState("at", "");
  const twin = useTwin(id, at);
  if (twin.error && !twin.data) {
    return (
      <Failed what="The twin could not be loaded" error={twin.error} retry={() => void twin.refetch()} />
    );
  }
  if (!twin.data) return <Loading heights={[60, 220, 300]} label="Loading the twin" />;
  if (twin.data.version === null) {
    return (
      <Empty title="No twin yet">
        Its first complete trips are learned from; then it predicts the next ones.
      </Empty>
    );
  }
  return (
    <div className={styles.grid}>
      <div className={styles.top}>
        {at && <AsOf at={at} back={() => setAt("")} />}
        <Loop twin={twin.data} />
      </div>
      <Proof id={id} />
      <div className={styles.side}>
        <Coverage twin={twin.data} />
        <Versions id={id} twin={twin.data} />
      </div>
    </div>
  );
}

/** Says that what is shown is past; errors, trips and versions are of all times. */
function AsOf({ at, back }: { at: string; back: () => void }) {
  return (
    <p className={styles.asOf} role="status">
      <Chip tone="accent" remove={{ label: "Show the twin as it stands now", run: back }}>
        as it stood on {moment(at)}
      </Chip>
      <span className="support">Loop and coverage are of then.</span>
    </p>
  );
}

function Proof({ id }: { id: string }) {
  const query = useHistory(id);
  const { data } = query;
  const [chosen, setChosen] = useUrlState("trip", "");
  const errors = data?.errors;
  const spec = useMemo(() => (errors ? errorSpec(errors) : null), [errors]);
  const scored = errors?.trip ?? [];
  const trip = Number(chosen) || (scored.at(-1) ?? null);
  const choose = (next: number): void => setChosen(String(next), { push: true });
  const lastTrip = scored.at(-1) ?? 0;
  return (
    <div className={styles.main}>
      <ChartCard
        title="Error per trip"
        unit={errors ? `RMSE of pack voltage, V · ${count(scored.length, "scored trip")}` : ""}
        spec={spec}
        height={150}
        readOut="named"
        chosen={trip}
        onPick={({ x }: Pick) => choose(x)}
        instead={
          data ? undefined : query.error ? (
            <Failed
              what="The errors could not be loaded"
              error={query.error}
              retry={() => void query.refetch()}
            />
          ) : (
            <Loading heights={[150]} />
          )
        }
        empty={<p className="support">No trip was scored yet.</p>}
      />
      <TripCard
        id={id}
        trip={trip}
        loading={!data && !query.error}
        before={scored.findLast((one) => trip !== null && one < trip) ?? null}
        after={scored.find((one) => trip !== null && one > trip) ?? null}
        choose={choose}
      />
      <div className={styles.parameters}>
        {data?.parameters.map((series) => (
          <ParameterCard key={series.name} series={series} lastTrip={lastTrip} id={id} />
        ))}
      </div>
    </div>
  );
}

function ParameterCard({ series, lastTrip, id }: { series: ParameterSeries; lastTrip: number; id: string }) {
  const spec = useMemo(() => parameterSpec(series, lastTrip), [series, lastTrip]);
  const sd = series.sd.at(-1) ?? null;
  const now = estimate(series.mean.at(-1) ?? null, sd === null ? null : 2 * sd, digitsOf(series));
  return (
    <ChartCard
      title={series.label}
      known="estimated"
      unit={series.unit ? `${series.unit}, ±2σ` : "±2σ"}
      spec={spec}
      height={104}
      link={`parameters ${id}`}
      legend={false}
      readOut="none"
      actions={
        <span className="num">
          <b className="figure-s">{now.value}</b> {now.half && <span className="support">±{now.half}</span>}
        </span>
      }
    />
  );
}

function Coverage({ twin }: { twin: Twin }) {
  const { coverage, coverage_goal_pct: goal } = twin;
  const [low = 93, high = 97] = goal ?? [];
  const spec = useMemo(() => coverageSpec(coverage, [low, high]), [coverage, low, high]);
  const trips = coverage[0]?.trips ?? 0;
  return (
    <ChartCard
      title="Band coverage"
      unit={`samples in the 95 % band, last ${number(trips)} trips`}
      spec={spec}
      height={Math.max(80, 30 * coverage.length + 24)}
      readOut="none"
      drag="none"
      empty={<p className="support">No trip was scored yet.</p>}
    />
  );
}
