/** The moment that the whole page shows: found by the pack current, or by the days of the last months. */

import { useEffect, useMemo, useState } from "react";

import { Chart } from "@/charts";
import { nearest } from "@/charts/reading";
import { Card } from "@/components/Card";
import { Failed, Loading } from "@/components/States";
import { Choice } from "@/components/Tabs";
import { clock, day, longMoment, moment, utc } from "@/format";
import { useCurrent, type SpreadTrend } from "./data";
import styles from "./pack.module.css";
import { scrubSpec, spreadSpec } from "./specs";

export type ScrubRange = "2h" | "day" | "90d";

const RANGES = [
  { value: "2h", label: "2 h" },
  { value: "day", label: "Day" },
  { value: "90d", label: "90 days" },
] as const;
const PLAY_MS = 600;
const PLAY_STEPS = 120;

interface Props {
  id: string;
  range: ScrubRange;
  setRange: (range: ScrubRange) => void;
  view: readonly [number, number];
  at: number;
  setAt: (at: number) => void;
  spread: SpreadTrend | undefined;
}

export function Scrubber(props: Props) {
  const { range, setRange, at, setAt, view } = props;
  const [playing, setPlaying] = useState(false);
  const days = range === "90d";
  const stops = useMemo(
    () => (days ? (props.spread?.frames_ms ?? []) : steps(view)),
    [days, props.spread, view],
  );
  const place = Math.max(0, nearest(stops, at));
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => {
      const next = stops[place + 1];
      if (next === undefined) setPlaying(false);
      else setAt(next);
    }, PLAY_MS);
    return () => clearInterval(timer);
  }, [playing, place, stops, setAt]);
  return (
    <Card
      className={styles.scrubber}
      actions={<Choice label="Range" value={range} set={setRange} options={RANGES} />}
      title={
        <span className={styles.when}>
          <button
            type="button"
            className={styles.play}
            aria-label={playing ? "Pause" : "Play"}
            aria-pressed={playing}
            onClick={() => setPlaying(!playing)}
          >
            <PlaySign playing={playing} />
          </button>
          <time
            dateTime={new Date(at).toISOString()}
            title={`${longMoment(at)}, ${utc(at)}`}
            className="figure-s"
          >
            {days ? day(at) : clock(at, true)}
          </time>
        </span>
      }
      unit={days ? "spread of the cells, mV a day" : "pack current, A · + charge"}
    >
      <div className={styles.track}>{days ? <Days {...props} /> : <Hours {...props} />}</div>
      <input
        type="range"
        className={styles.range}
        aria-label="Moment shown"
        aria-valuetext={moment(at)}
        min={0}
        max={Math.max(0, stops.length - 1)}
        value={place}
        onChange={(event) => setAt(stops[Number(event.target.value)] ?? at)}
      />
    </Card>
  );
}

function steps([low, high]: readonly [number, number]): number[] {
  return Array.from({ length: PLAY_STEPS + 1 }, (_, i) => Math.round(low + ((high - low) * i) / PLAY_STEPS));
}

function PlaySign({ playing }: { playing: boolean }) {
  return (
    <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
      <path d={playing ? "M2.5 1.5h2.5v9H2.5zM7 1.5h2.5v9H7z" : "M3 1.5l7 4.5-7 4.5z"} fill="currentColor" />
    </svg>
  );
}

function Hours({ id, view, at, setAt }: Props) {
  const query = useCurrent(id, view);
  const { data } = query;
  const spec = useMemo(() => data && scrubSpec(data, view), [data, view]);
  if (!spec) {
    if (query.error)
      return (
        <Failed
          what="The current could not be loaded"
          error={query.error}
          retry={() => void query.refetch()}
        />
      );
    return <Loading heights={[80]} />;
  }
  return (
    <Chart spec={spec} height={84} link={`pack ${id}`} chosen={at} onPick={({ x }) => setAt(x)} drag="none" />
  );
}

function Days({ spread, at, setAt }: Props) {
  const spec = useMemo(() => spread && spreadSpec(spread), [spread]);
  if (!spec || !spread) return <Loading heights={[80]} />;
  const frames = spread.frames_ms;
  return (
    <Chart
      spec={spec}
      height={84}
      chosen={at}
      onPick={({ x }) => setAt(frames[nearest(frames, x)] ?? x)}
      drag="none"
    />
  );
}
