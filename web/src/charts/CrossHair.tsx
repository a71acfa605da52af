/** The cross-hair over a chart. It is no part of the canvas, so that moving it draws no data again. */

import styles from "./charts.module.css";
import { xText, type Frame } from "./layout";
import { readingsAt, valueText } from "./reading";
import { momentText } from "./scale";
import type { ChartSpec, Points } from "./spec";
import type { PointRef } from "./useChartPointer";

interface Props {
  spec: ChartSpec;
  frame: Frame;
  at: number | null;
  chosen: number | null;
}

export function CrossHair({ spec, frame, at, chosen }: Props) {
  return (
    <>
      {chosen !== null && <Rule frame={frame} at={chosen} className={styles.chosen} />}
      {at !== null && <Rule frame={frame} at={at} className={styles.rule} />}
      {at !== null && inside(frame, at) && <Dots spec={spec} frame={frame} at={at} />}
    </>
  );
}

const inside = (frame: Frame, at: number): boolean => at >= frame.domain[0] && at <= frame.domain[1];

function Rule({ frame, at, className }: { frame: Frame; at: number; className: string | undefined }) {
  if (!inside(frame, at)) return null;
  return (
    <div
      className={className}
      style={{ left: frame.x(at), top: frame.top - 4, height: frame.bottom - frame.top + 4 }}
    />
  );
}

function Dots({ spec, frame, at }: Omit<Props, "chosen" | "at"> & { at: number }) {
  return readingsAt(spec, at).map((reading) => {
    const panel = frame.panels[reading.panel];
    if (!panel || reading.value < panel.domain[0] || reading.value > panel.domain[1]) return null;
    const place = { left: frame.x(at), top: panel.y(reading.value), borderColor: `var(--${reading.tone})` };
    return <div key={reading.id} className={styles.dot} style={place} />;
  });
}

/** What the point under the pointer is. */
export function PointTip({ frame, point }: { frame: Frame; point: PointRef }) {
  const found = find(frame, point);
  if (!found) return null;
  const { series, panel, spec } = found;
  const [x, y] = [series.x[point.index] ?? 0, series.y[point.index] ?? 0];
  const name = series.ids?.[point.index];
  const left = frame.x(x) > frame.width - 180;
  const place = {
    top: panel.y(y),
    ...(left ? { right: frame.width - frame.x(x) + 10 } : { left: frame.x(x) + 10 }),
  };
  return (
    <div className={styles.tip} style={place}>
      {name && <strong>{name}</strong>} {valueText(y, panel.panel)} ·{" "}
      {xText(spec.x, x, frame.domain, momentText)}
    </div>
  );
}

function find(frame: Frame, point: PointRef) {
  for (const panel of frame.panels) {
    const series = panel.panel.series.find((s): s is Points => s.kind === "points" && s.id === point.series);
    if (series) return { series, panel, spec: frame.spec };
  }
  return null;
}
