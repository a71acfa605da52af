import { useMemo } from "react";
import { ChartCard, type ChartSpec } from "@/charts";
import { NotKnown } from "@/components/States";
import { number } from "@/format";
import { brushedSteps, wholeTicks } from "./chosen";
import type { Part } from "./filters";
import type { Scatter, Summary } from "./read";

interface Props {
  summary: Summary;
  dots: Scatter | undefined;
  /** Which dots are brushed; null when none is. */
  brushed: readonly boolean[] | null;
  health: Part | null;
  brush: (health: Part | null) => void;
}

const END_OF_LIFE = 80;
const HEIGHT = 224;

/** Vehicles by capacity health; a drag over it brushes. */
export function HistogramCard({ summary, dots, brushed, health, brush }: Props) {
  const spec = useMemo(() => specOf(summary, dots, brushed), [summary, dots, brushed]);
  const [first, last] = ends(summary);
  const box = health && { x: [health.low ?? first, health.high ?? last] as const };
  return (
    <ChartCard
      title="Capacity health"
      unit="vehicles per 1 % step"
      spec={spec}
      height={HEIGHT}
      legend={false}
      drag="brush-x"
      brush={box}
      onBrush={(next) => brush(next && { low: Math.floor(next.x[0]), high: Math.ceil(next.x[1]) })}
      empty={<NotYet />}
    />
  );
}

function NotYet() {
  return (
    <NotKnown
      why="No vehicle has charged far enough for its capacity to be seen."
      helps="One charge over 30 % is enough."
    />
  );
}

function ends({ histogram }: Summary): [number, number] {
  const first = histogram.from_pct[0] ?? 76;
  return [
    Math.min(Math.floor(first / 4) * 4, END_OF_LIFE - 4),
    Math.max((histogram.from_pct.at(-1) ?? 99) + 1, 100),
  ];
}

function specOf(summary: Summary, dots: Scatter | undefined, brushed: readonly boolean[] | null): ChartSpec {
  const { from_pct: from, vehicles } = summary.histogram;
  const to = from.map((edge) => edge + 1);
  const [min, max] = ends(summary);
  const ticks = Array.from({ length: Math.floor((max - min) / 4) + 1 }, (_, i) => min + 4 * i);
  const counts = wholeTicks(Math.max(...vehicles, 1));
  const median = summary.health_median_pct;
  const all = { kind: "bars", id: "all", name: "vehicles", from, to, y: vehicles } as const;
  const chosen = dots &&
    brushed && { ...all, id: "chosen", name: "brushed", y: brushedSteps(dots, brushed, from) };
  return {
    name: "Capacity health of the fleet",
    summary: `Histogram of capacity health: ${number(summary.health_known)} vehicles, median ${number(median, 1)} %.`,
    x: { kind: "value", label: "Capacity health from, %", min, max, ticks, format: (value) => number(value) },
    panels: [
      {
        id: "vehicles",
        digits: 0,
        y: {
          min: 0,
          max: counts.at(-1) ?? 1,
          ticks: counts.map((value) => ({ value, text: number(value) })),
        },
        series: chosen
          ? [
              { ...all, tone: "cohort" },
              { ...chosen, tone: "estimated" },
            ]
          : [{ ...all, tone: "estimated" }],
      },
    ],
    events: [
      { x: END_OF_LIFE, label: "80 %", tone: "ink-3" },
      ...(median === null
        ? []
        : [{ x: median, label: `median ${number(median, 1)}`, tone: "ink", solid: true } as const]),
    ],
  };
}
