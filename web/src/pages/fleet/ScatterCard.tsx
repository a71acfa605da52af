import { useMemo, useState } from "react";
import { useNavigate } from "react-router";
import { ChartCard, type Box, type ChartSpec, type Points } from "@/charts";
import { Button } from "@/components/Button";
import type { Formatter } from "@/format";
import { BrushForm } from "./BrushForm";
import type { Filters, Over, Part } from "./filters";
import type { Scatter } from "./read";
import { scatterSpec, toX } from "./scatterSpec";

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

const HEIGHT = 224;

/** Capacity health against distance or age, one dot a vehicle; a drag over it brushes, a click opens. */
export function ScatterCard({ dots, brushed, filters, format, brush }: Props) {
  const navigate = useNavigate();
  const [form, setForm] = useState(false);
  const { over } = filters;
  const spec = useMemo(() => scatterSpec(dots, brushed, over, format), [dots, brushed, over, format]);
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
