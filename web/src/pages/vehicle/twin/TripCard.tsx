/** One trip: what was measured, what the living twin said before, and what a twin never updated says. */

import { useMemo } from "react";

import { ChartCard } from "@/charts";
import { Button } from "@/components/Button";
import { Failed, Loading } from "@/components/States";
import { moment, number } from "@/format";
import { usePrediction } from "./data";
import { predictionSpec } from "./specs";

interface Props {
  id: string;
  trip: number | null;
  /** Which trips there are is not known yet. */
  loading: boolean;
  /** The scored trips around it. */
  before: number | null;
  after: number | null;
  choose: (trip: number) => void;
}

export function TripCard({ id, trip, loading, before, after, choose }: Props) {
  const query = usePrediction(id, trip);
  const { data, error } = query;
  const spec = useMemo(() => (data && error === null ? predictionSpec(data) : null), [data, error]);
  return (
    <ChartCard
      title={trip === null ? "Trip" : `Trip ${number(trip)}`}
      unit={data && spec ? `${moment(data.start)} · pack voltage and residual, V` : ""}
      spec={spec}
      readOut="named"
      height={240}
      waiting={query.isPlaceholderData}
      instead={insteadOf(trip, loading, query)}
      actions={
        <>
          <Step to={before} label="Trip before" sign="‹" choose={choose} />
          <Step to={after} label="Trip after" sign="›" choose={choose} />
        </>
      }
    />
  );
}

function insteadOf(trip: number | null, loading: boolean, query: ReturnType<typeof usePrediction>) {
  if (loading) return <Loading heights={[240]} />;
  if (trip === null)
    return <p className="support">No trip was scored yet. The first complete drive or charge will be.</p>;
  if (query.error?.hidden)
    return <p className="support">No prediction is kept of this trip: it was not scored.</p>;
  if (query.error) {
    return (
      <Failed
        what="The trip could not be loaded"
        error={query.error}
        retry={() => void query.refetch()}
        holds="The errors above are current."
      />
    );
  }
  return query.data ? undefined : <Loading heights={[240]} />;
}

interface StepProps {
  to: number | null;
  label: string;
  sign: string;
  choose: (trip: number) => void;
}

function Step({ to, label, sign, choose }: StepProps) {
  return (
    <Button
      small
      kind="quiet"
      aria-label={label}
      title={label}
      disabled={to === null}
      onClick={() => to !== null && choose(to)}
    >
      {sign}
    </Button>
  );
}
