/** One chart: a canvas for the data, and over it the cross-hair, dragging and the keyboard. */

import { useEffect, useId, useImperativeHandle, useMemo, useRef, useState, type Ref } from "react";

import styles from "./charts.module.css";
import { CrossHair, PointTip } from "./CrossHair";
import { init, type EChartsType } from "./echarts";
import { frameOf, xText, type Frame, type Size } from "./layout";
import { useCursor } from "./link";
import { optionOf } from "./option";
import { usePalette, type Palette } from "./palette";
import { readingsAt, stopsOf, summaryOf } from "./reading";
import { momentText } from "./scale";
import type { ChartSpec, Interval } from "./spec";
import { useChartKeys } from "./useChartKeys";
import { useChartPointer, type Box, type Drag, type Pick } from "./useChartPointer";

export interface ChartHandle {
  /** The picture as it is seen, twice as fine. */
  picture: () => { canvas: HTMLCanvasElement; width: number; height: number } | null;
}

export interface ChartProps {
  spec: ChartSpec;
  /** Pixels; fills what is around it when left out. */
  height?: number;
  /** Charts of the same name share their cross-hair. */
  link?: string;
  /** The part of the x axis that is seen; null for all. The chart keeps it itself when left out. */
  view?: Interval | null | undefined;
  /** Called when the part that is seen was dragged; null for all. */
  onView?: ((view: Interval | null) => void) | undefined;
  /** What dragging does. */
  drag?: Drag;
  /** What is brushed. */
  brush?: Box | null;
  onBrush?: (box: Box | null) => void;
  /** A click, or Enter at the cross-hair. */
  onPick?: (pick: Pick) => void;
  /** Drawn as chosen: an x of the chart. */
  chosen?: number | null;
  ref?: Ref<ChartHandle>;
}

/** Draws a chart. */
export function Chart(props: ChartProps) {
  const { spec, height, view, onView, drag = "zoom" } = props;
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType>(undefined);
  const size = useSize(box);
  const palette = usePalette();
  const [own, setOwn] = useState<Interval | null>(null);
  const [dragged, setDragged] = useState<Interval | null>(null);
  const seen = dragged ?? (view === undefined ? own : view);
  const frame = useMemo(() => (size ? frameOf(spec, size, seen) : null), [spec, size, seen]);
  const [cursor, move] = useCursor(props.link ?? id);
  const show = (next: Interval | null): void => {
    setDragged(null);
    setOwn(next);
    onView?.(next);
  };
  useDrawing(chart, canvas, frame, palette);
  useImperativeHandle(props.ref, () => ({ picture: () => pictureOf(chart.current, palette) }), [palette]);
  const pointer = useChartPointer({ ...props, drag, frame, move, pan: setDragged, show });
  const keys = useChartKeys({ spec, cursor, move, frame, show, onPick: props.onPick });
  return (
    <div ref={box} className={styles.chart} style={height === undefined ? undefined : { height }}>
      <div ref={canvas} className={styles.canvas} aria-hidden="true" />
      {frame && <CrossHair spec={spec} frame={frame} at={cursor} chosen={props.chosen ?? null} />}
      {frame && <Brushed frame={frame} box={pointer.pulled ?? props.brush ?? null} zoom={drag === "zoom"} />}
      {frame && pointer.point && <PointTip frame={frame} point={pointer.point} />}
      <div {...spoken(spec, frame, cursor)} {...pointer.handlers} {...keys} className={styles.hands} />
    </div>
  );
}

function useSize(box: React.RefObject<HTMLDivElement | null>): Size | null {
  const [size, setSize] = useState<Size | null>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const watcher = new ResizeObserver(([entry]) => {
      const { width = 0, height = 0 } = entry?.contentRect ?? {};
      if (width > 0 && height > 0)
        setSize((old) => (old?.width === width && old.height === height ? old : { width, height }));
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [box]);
  return size;
}

function useDrawing(
  chart: React.RefObject<EChartsType | undefined>,
  canvas: React.RefObject<HTMLDivElement | null>,
  frame: Frame | null,
  palette: Palette,
): void {
  const fonts = useFonts();
  useEffect(() => {
    if (!canvas.current || !frame) return;
    const { width, height } = frame;
    chart.current ??= init(canvas.current, null, { renderer: "canvas", width, height });
    if (chart.current.getWidth() !== width || chart.current.getHeight() !== height)
      chart.current.resize({ width, height });
    chart.current.setOption(optionOf(frame, palette), { notMerge: true });
  }, [chart, canvas, frame, palette, fonts]);
  useEffect(
    () => () => {
      chart.current?.dispose();
      chart.current = undefined;
    },
    [chart],
  );
}

/** Changes when a font has come: what a canvas drew before was drawn in another. */
function useFonts(): number {
  const [loads, setLoads] = useState(0);
  useEffect(() => {
    const loaded = (): void => setLoads((count) => count + 1);
    document.fonts?.addEventListener("loadingdone", loaded);
    return () => document.fonts?.removeEventListener("loadingdone", loaded);
  }, []);
  return loads;
}

function pictureOf(chart: EChartsType | undefined, palette: Palette) {
  if (!chart) return null;
  const canvas = chart.renderToCanvas({ pixelRatio: 2, backgroundColor: palette.of("surface") });
  return { canvas, width: chart.getWidth(), height: chart.getHeight() };
}

/** What a chart says: a slider over its values, or a picture with one sentence. */
function spoken(spec: ChartSpec, frame: Frame | null, cursor: number | null) {
  const domain = frame?.domain ?? ([0, 1] as const);
  const written = (value: number): string => xText(spec.x, value, domain, momentText);
  const summary = spec.summary ?? summaryOf(spec, written, domain);
  const stops = stopsOf(spec);
  if (stops.length === 0) return { role: "img", "aria-label": summary };
  const at = cursor ?? stops[stops.length - 1] ?? 0;
  const values = readingsAt(spec, at).map((reading) => `${reading.name} ${reading.text}`);
  return {
    role: "slider",
    tabIndex: 0,
    "aria-label": summary,
    "aria-valuemin": Math.round(domain[0]),
    "aria-valuemax": Math.round(domain[1]),
    "aria-valuenow": Math.round(Math.min(domain[1], Math.max(domain[0], at))),
    "aria-valuetext": [written(at), ...values].join(", "),
  };
}

function Brushed({ frame, box, zoom }: { frame: Frame; box: Box | null; zoom: boolean }) {
  const panel = frame.panels[0];
  if (!box || !panel) return null;
  const left = Math.max(frame.left, frame.x(box.x[0]));
  const right = Math.min(frame.right, frame.x(box.x[1]));
  const top = box.y ? panel.y(box.y[1]) : frame.top;
  const bottom = box.y ? panel.y(box.y[0]) : frame.bottom;
  if (right <= left) return null;
  const style = { left, top, width: right - left, height: Math.max(1, bottom - top) };
  return <div className={zoom ? styles.zoomed : styles.brushed} style={style} />;
}
