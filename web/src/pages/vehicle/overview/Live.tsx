/** Voltage, current, temperature and charge as they come; zoomed and panned with the server's help. */

import { useMemo } from "react";

import { api, useApi } from "@/api/client";
import { usePreferences } from "@/app/session";
import { useUrlPatch, useUrlState } from "@/app/url";
import { ChartCard, type Interval } from "@/charts";
import { Button } from "@/components/Button";
import { Empty, Failed, Loading } from "@/components/States";
import { Choice } from "@/components/Tabs";
import { duration, number } from "@/format";
import type { Telemetry, VehicleDetail } from "../data";
import { askedFor, liveSpec, SPANS, type SpanName } from "./live";
import { useTail } from "./useTail";

const POINTS = 1000;
const OPTIONS = [
  { value: "15m", label: "15 min" },
  { value: "2h", label: "2 h" },
  { value: "day", label: "Day" },
  { value: "week", label: "Week" },
] as const satisfies readonly { value: SpanName; label: string }[];

export function Live({ vehicle }: { vehicle: VehicleDetail }) {
  const id = vehicle.row.vehicle_id;
  const { temperature } = usePreferences();
  const tail = useTail(id);
  const window = useWindow(vehicle, lastOf(tail));
  const asked = askedFor(window.view, window.live);
  const query = useApi(
    ["vehicle", id, "telemetry", asked.start, asked.end],
    (signal) => telemetryOf(id, asked, signal),
    { enabled: window.known },
  );
  const { data } = query;
  const [low, high] = window.view;
  const spec = useMemo(
    () => data && liveSpec({ telemetry: data, tail, temperature, reach: window.reach, view: [low, high] }),
    [data, tail, temperature, window.reach, low, high],
  );
  return (
    <ChartCard
      title={vehicle.row.reporting === "reporting" ? "Live" : "Signals"}
      known="measured"
      unit={data ? finenessOf(data) : ""}
      spec={spec ?? null}
      link={`vehicle ${id}`}
      view={window.view}
      onView={window.show}
      waiting={query.isPlaceholderData && !window.live}
      instead={insteadOf(window.known, query)}
      empty={<NoSamples dragged={!window.live} back={() => window.show(null)} />}
      actions={<Choice label="Range" value={window.span} set={window.choose} options={OPTIONS} />}
    />
  );
}

function NoSamples({ dragged, back }: { dragged: boolean; back: () => void }) {
  return (
    <Empty
      title="No samples in this range."
      actions={dragged && <Button onClick={back}>Back to the newest</Button>}
    >
      Values are not carried forward.
    </Empty>
  );
}

function insteadOf(known: boolean, query: { data: unknown; error: unknown; refetch: () => unknown }) {
  if (!known) return <p className="support">No sample came from this vehicle yet.</p>;
  if (query.data !== undefined) return undefined;
  if (query.error) {
    return (
      <Failed
        what="The signals could not be loaded"
        error={query.error as never}
        retry={() => void query.refetch()}
      />
    );
  }
  return <Loading heights={[220]} />;
}

const lastOf = (tail: ReturnType<typeof useTail>): number =>
  Math.max(0, ...[...tail.values()].map((values) => values.at(-1)?.[0] ?? 0));

/** As JSON: the same address answers Arrow too, of which the types know nothing. */
function telemetryOf(id: string, asked: Asked, signal: AbortSignal) {
  const answer = api.GET("/v1/vehicles/{vehicle_id}/telemetry", { params: paramsOf(id, asked), signal });
  return answer as Promise<{ data?: Telemetry; error?: unknown; response: Response }>;
}

type Asked = ReturnType<typeof askedFor>;

function paramsOf(id: string, { start, end }: Asked) {
  const query = { start: new Date(start).toISOString(), end: new Date(end).toISOString(), points: POINTS };
  return { path: { vehicle_id: id }, query };
}

function finenessOf({ step_ms, samples }: Telemetry): string {
  if (step_ms === 0) return `every sample, ${number(samples)}`;
  return `min–max per ${step_ms < 1000 ? `${step_ms} ms` : duration(step_ms / 1000)}`;
}

/** What is seen: the last so much up to the newest sample, or a range that was dragged; both are in the address. */
function useWindow(vehicle: VehicleDetail, newestMs: number) {
  const [span, setSpan] = useUrlState<SpanName>("range", "2h");
  const [from] = useUrlState("from", "");
  const [to] = useUrlState("to", "");
  const patch = useUrlPatch();
  const seen = vehicle.row.last_seen_at;
  const last = Math.max(seen ? Date.parse(seen) : 0, newestMs);
  const first = vehicle.in_service_since ? Date.parse(vehicle.in_service_since) : last - SPANS.week;
  const dragged: Interval | null =
    Number(to) > Number(from) && Number(from) > 0 ? [Number(from), Number(to)] : null;
  const width = SPANS[span] ?? SPANS["2h"];
  const reach = useMemo((): Interval => [Math.min(first, last - width), last], [first, last, width]);
  return {
    span,
    known: last > 0,
    live: dragged === null,
    reach,
    view: dragged ?? ([last - width, last] as Interval),
    choose: (next: SpanName) => {
      setSpan(next);
      patch({ from: null, to: null });
    },
    show: (view: Interval | null) =>
      patch({ from: view && String(Math.round(view[0])), to: view && String(Math.round(view[1])) }),
  };
}
