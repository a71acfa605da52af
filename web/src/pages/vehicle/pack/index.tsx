/** Pack: every cell where it sits, at the moment that the scrubber shows; all charts follow it. */

import { useCallback, useMemo } from "react";

import { useUrlPatch, useUrlState } from "@/app/url";
import { ChartCard, type Pick } from "@/charts";
import { usePalette } from "@/charts/palette";
import { Chip } from "@/components/Chip";
import { Empty, Failed, Loading } from "@/components/States";
import { number } from "@/format";
import type { TabProps } from "..";
import { SPREAD_DAYS, useCell, useCells, useSpread } from "./data";
import { HeatMap } from "./HeatMap";
import type { CellFrame, LayerName } from "./layers";
import styles from "./pack.module.css";
import { Scrubber, type ScrubRange } from "./Scrubber";
import { cellSpec, rankedCells, rankedSpec, spreadSpec, standing } from "./specs";
import { Weakest } from "./Weakest";

const RANGE_MS: Record<ScrubRange, number> = { "2h": 7_200_000, day: 86_400_000, "90d": 90 * 86_400_000 };
/** How much of one cell is shown to each side of the moment. */
const AROUND_MS: Record<ScrubRange, number> = { "2h": 600_000, day: 3_600_000, "90d": 3_600_000 };

export default function PackTab({ vehicle }: TabProps) {
  const id = vehicle.row.vehicle_id;
  const [atText] = useUrlState("at", "");
  const [cellText] = useUrlState("cell", "");
  const [layer, setLayer] = useUrlState<LayerName>("layer", "dv");
  const [range, setRange] = useUrlState<ScrubRange>("range", "2h");
  const patch = useUrlPatch();
  const asked = Number(atText) || null;
  const frames = useCells(id, asked);
  const spread = useSpread(id, SPREAD_DAYS);
  const setAt = useCallback((at: number) => patch({ at: String(Math.round(at)) }), [patch]);
  const choose = useCallback((cell: number) => patch({ cell: String(cell) }), [patch]);
  const frame = frames.data;
  if (!frame) {
    if (frames.error)
      return (
        <Failed
          what="The cells could not be loaded"
          error={frames.error}
          retry={() => void frames.refetch()}
        />
      );
    return <Loading heights={[300, 100, 180]} label="Loading the cells" />;
  }
  const newest = Date.parse(vehicle.row.last_seen_at ?? "") || 0;
  const at = asked ?? (Date.parse(frame.at ?? "") || newest);
  if (frame.at === null && asked === null) return <NoCells />;
  const cell = Number(cellText) || (rankedCells(frame)[0]?.[0] ?? null);
  return (
    <div className={styles.page}>
      <div className={styles.main}>
        <HeatMap
          frame={frame}
          layer={layer}
          setLayer={setLayer}
          cell={cell}
          choose={choose}
          waiting={frames.isPlaceholderData}
        />
        <Scrubber
          id={id}
          range={range}
          setRange={setRange}
          view={viewOf(range, at, newest)}
          at={at}
          setAt={setAt}
          spread={spread.data}
        />
        <Ranked frame={frame} cell={cell} choose={choose} />
      </div>
      <div className={styles.aside}>
        {cell !== null && (
          <OneCell id={id} cell={cell} frame={frame} at={at} around={AROUND_MS[range]} newest={newest} />
        )}
        <Spread spread={spread} />
        <Weakest
          weakest={spread.data?.weakest ?? []}
          per={frame.cells_per_module}
          cell={cell}
          choose={choose}
        />
      </div>
    </div>
  );
}

function NoCells() {
  return (
    <Empty title="No cell voltages yet">
      This vehicle has sent none. Once its profile maps them, every cell is shown here as it sits in the pack.
    </Empty>
  );
}

/** The range that holds a moment: it ends at the newest sample, or goes back in whole ranges from there. */
export function viewOf(range: ScrubRange, at: number, newest: number): readonly [number, number] {
  const width = RANGE_MS[range];
  const back = Math.max(0, Math.floor((newest - at) / width));
  const end = newest - back * width;
  return [end - width, end];
}

function Ranked({
  frame,
  cell,
  choose,
}: {
  frame: CellFrame;
  cell: number | null;
  choose: (cell: number) => void;
}) {
  const palette = usePalette();
  const spec = useMemo(() => rankedSpec(frame, cell, palette), [frame, cell, palette]);
  const ranked = rankedCells(frame);
  const pick = ({ x, point }: Pick): void => {
    const found = ranked[(point?.series === "cells" ? point.index : Math.round(x) - 1) ?? -1];
    if (found) choose(found[0]);
  };
  return (
    <ChartCard
      title={`All ${number(ranked.length)} cells, ranked`}
      unit={`ΔV, mV · ${standing(frame)}`}
      spec={spec}
      height={152}
      readOut="none"
      drag="none"
      onPick={pick}
    />
  );
}

interface OneProps {
  id: string;
  cell: number;
  frame: CellFrame;
  at: number;
  around: number;
  newest: number;
}

function OneCell({ id, cell, frame, at, around, newest }: OneProps) {
  // On a grid, so that small moves of the scrubber ask for nothing.
  const middle = Math.round(at / around) * around;
  const window = [middle - around, Math.min(middle + 1.5 * around, newest + 1000)] as const;
  const query = useCell(id, cell, window);
  const { data } = query;
  const taken = Date.parse(frame.at ?? "") || at;
  const mv = frame.deviation_mv[cell - 1] ?? null;
  const spec = useMemo(
    () => (data && data.cell === cell ? cellSpec(data, { at: taken, mv }) : null),
    [data, cell, taken, mv],
  );
  const rank = frame.rank[cell - 1];
  const low = (mv ?? 0) < 0;
  return (
    <ChartCard
      title={`Cell ${cell} against median`}
      known="measured"
      unit="V"
      spec={spec}
      height={206}
      link={`cell ${id}`}
      waiting={query.isPlaceholderData}
      legend={false}
      instead={
        data ? undefined : query.error ? (
          <Failed
            what="The cell could not be loaded"
            error={query.error}
            retry={() => void query.refetch()}
          />
        ) : (
          <Loading heights={[200]} />
        )
      }
      empty={<p className="support">No cell voltages around this moment.</p>}
      actions={
        rank ? (
          <Chip tone={low ? "never" : "accent"}>
            rank {rank} of {frame.voltage_v.length}
          </Chip>
        ) : undefined
      }
    />
  );
}

function Spread({ spread }: { spread: ReturnType<typeof useSpread> }) {
  const { data } = spread;
  const spec = useMemo(() => (data ? spreadSpec(data) : null), [data]);
  return (
    <ChartCard
      title="Spread of the cells"
      known="measured"
      unit={`highest − lowest cell, mV, ${SPREAD_DAYS} days`}
      spec={spec}
      height={146}
      instead={
        data ? undefined : spread.error ? (
          <Failed
            what="The spread could not be loaded"
            error={spread.error}
            retry={() => void spread.refetch()}
          />
        ) : (
          <Loading heights={[150]} />
        )
      }
      empty={<p className="support">No cell voltages in the last {SPREAD_DAYS} days.</p>}
    />
  );
}
