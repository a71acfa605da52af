import { useMemo, useState } from "react";
import { useNavigate } from "react-router";
import { ChartCard, type Box, type ChartSpec, type Points } from "@/charts";
import { Button } from "@/components/Button";
import { number, type Formatter } from "@/format";
import { BrushForm } from "./BrushForm";
import { bandOf } from "./chosen";
import type { Filters, Over, Part } from "./filters";
import type { Scatter } from "./read";

interface Props {
  dots: Scatter;
  /** Which dots are brushed; null when none is. */
  brushed: readonly boolean[] | null;
  filters: Filters;
  format: Formatter;
  brush: (parts: Brushed) => void;
}

export interface Brushed {
  health: Part | null;
  distance?: Part | null;
  age?: Part | null;
}

const END_OF_LIFE = 80;
const HEIGHT = 224;
/** So many of the brushed are named beside their dot. */
const NAMED = 3;

/** Capacity health against distance or age, one dot a vehicle; a drag over it brushes, a click opens. */
export function ScatterCard({ dots, brushed, filters, format, brush }: Props) {
  const navigate = useNavigate();
  const [form, setForm] = useState(false);
  const { over } = filters;
  const spec = useMemo(() => specOf(dots, brushed, over, format), [dots, brushed, over, format]);
  const drawn = over === "age" ? filters.age : filters.distance;
  return (
    <ChartCard
      title={`Capacity health against ${over}`}
      unit="one dot a vehicle"
      spec={spec}
      height={HEIGHT}
      readOut="none"
      drag="brush"
      brush={boxOf(spec, filters.health, drawn, toX(over, format))}
      onBrush={(box) => brush(partsOf(box, over, format))}
      onPick={({ point }) => {
        const id = point && pointsOf(spec, point.series)?.ids?.[point.index];
        if (id) void navigate(`/vehicles/${encodeURIComponent(id)}`);
      }}
      actions={
        <Button small onClick={() => setForm(true)}>
          Range…
        </Button>
      }
    >
      {form ? (
        <BrushForm filters={filters} format={format} close={() => setForm(false)} brush={brush} />
      ) : null}
    </ChartCard>
  );
}

const toX = (over: Over, format: Formatter) => (value: number) =>
  over === "age" ? value : format.toDistance(value);

function pointsOf(spec: ChartSpec, id: string): Points | undefined {
  const found = spec.panels[0]?.series.find((series) => series.id === id);
  return found?.kind === "points" ? found : undefined;
}

/** What a drag brushed, rounded to figures that can be said. */
export function partsOf(box: Box | null, over: Over, format: Formatter): Brushed {
  if (box === null) return { health: null, distance: null, age: null };
  const tenth = (value: number) => Math.round(value * 10) / 10;
  const hundred = (value: number) => Math.max(0, Math.round(format.fromDistance(value) / 100) * 100);
  const x = { low: box.x[0], high: box.x[1] };
  return {
    health: box.y ? { low: tenth(box.y[0]), high: tenth(box.y[1]) } : null,
    distance: over === "age" ? null : { low: hundred(x.low), high: hundred(x.high) },
    age: over === "age" ? { low: tenth(x.low), high: tenth(x.high) } : null,
  };
}

/** Where the brush is drawn; open ends reach the edge. */
function boxOf(
  spec: ChartSpec,
  health: Part | null,
  part: Part | null,
  x: (value: number) => number,
): Box | null {
  if (health === null && part === null) return null;
  const y = spec.panels[0]?.y;
  const { min = 0, max = 1 } = spec.x;
  const at = (value: number | null | undefined, otherwise: number) => (value == null ? otherwise : x(value));
  return {
    x: [at(part?.low, min), at(part?.high, max)],
    y: [health?.low ?? y?.min ?? 0, health?.high ?? y?.max ?? 100],
  };
}

function specOf(dots: Scatter, brushed: readonly boolean[] | null, over: Over, format: Formatter): ChartSpec {
  const x = toX(over, format);
  const column = over === "age" ? dots.age_years : dots.distance_km;
  const places = dots.vehicle_id.flatMap((_, i) =>
    column[i] == null || dots.health_pct[i] == null ? [] : [i],
  );
  const points = (id: string, chosen: boolean) => {
    const those = places.filter((i) => (brushed?.[i] ?? false) === chosen);
    const named = chosen ? worst(dots, those) : new Set<number>();
    return {
      kind: "points",
      id,
      name: chosen ? "brushed" : "vehicle",
      legend: chosen,
      tone: chosen ? "accent" : "ink-3",
      mark: "disc",
      x: those.map((i) => x(column[i] ?? 0)),
      y: those.map((i) => dots.health_pct[i] ?? null),
      ids: those.map((i) => dots.vehicle_id[i] ?? ""),
      labels: those.map((i) => (named.has(i) ? (dots.vehicle_id[i] ?? "") : "")),
      many: those.length > 2000,
      opacity: chosen ? 1 : those.length > 2000 ? 0.3 : 0.45,
      size: chosen ? 6 : those.length > 2000 ? 3 : 4,
    } as const;
  };
  const band = bandOf(dots, over);
  const values = dots.health_pct.filter((value) => value !== null);
  const least = Math.min(END_OF_LIFE, ...values.slice(0, 1), reduce(values, Math.min, 100));
  return {
    name: `Capacity health against ${over}`,
    summary: `Capacity health of ${number(places.length)} vehicles against ${over}, from ${number(least, 1)} to ${number(reduce(values, Math.max, 0), 1)} %.`,
    x: {
      kind: "value",
      label: over === "age" ? "Age" : "Distance",
      unit: over === "age" ? "years" : format.distanceUnit,
      min: 0,
      max:
        Math.max(...places.map((i) => x(column[i] ?? 0)).slice(0, 1), reduceAt(places, column, x)) * 1.02 ||
        1,
    },
    panels: [
      {
        id: "health",
        unit: "%",
        digits: 1,
        y: {
          min: Math.min(76, Math.floor(least / 4) * 4),
          max: Math.max(100, Math.ceil(reduce(values, Math.max, 100))),
          format: (value, last) => number(value) + (last ? "\u00a0%" : ""),
        },
        series: [
          ...(band
            ? [
                {
                  kind: "band",
                  id: "band",
                  name: band.name,
                  tone: "cohort",
                  x: band.x.map(x),
                  low: band.low,
                  high: band.high,
                } as const,
                {
                  kind: "line",
                  id: "median",
                  name: "median",
                  tone: "cohort",
                  x: band.x.map(x),
                  y: band.middle,
                  end: "median",
                } as const,
              ]
            : []),
          points("others", false),
          ...(brushed ? [points("brushed", true)] : []),
        ],
        limits: [{ y: END_OF_LIFE, label: "80 %", tone: "ink-3", dash: "reference" }],
      },
    ],
  };
}

function reduce(values: readonly number[], pick: (a: number, b: number) => number, start: number): number {
  return values.reduce((a, b) => pick(a, b), start);
}

function reduceAt(
  places: readonly number[],
  column: readonly (number | null)[],
  x: (value: number) => number,
): number {
  return places.reduce((most, i) => Math.max(most, x(column[i] ?? 0)), 0);
}

/** The few with the lowest deviation. */
function worst(dots: Scatter, those: readonly number[]): Set<number> {
  const deviation = (i: number) => dots.deviation_pts[i] ?? 0;
  return new Set([...those].sort((a, b) => deviation(a) - deviation(b)).slice(0, NAMED));
}
