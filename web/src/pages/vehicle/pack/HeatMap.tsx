/** All cells as they sit in the pack: a column a module. A grid of buttons that arrow keys move through. */

import { useRef, useState, type KeyboardEvent } from "react";

import { usePreferences } from "@/app/session";
import { usePalette } from "@/charts/palette";
import { Card } from "@/components/Card";
import { Provenance } from "@/components/marks";
import { Choice } from "@/components/Tabs";
import { clock, day, isRecent, number } from "@/format";
import { layerOf, placeOf, saidOf, toldOf, type CellFrame, type Layer, type LayerName } from "./layers";
import styles from "./pack.module.css";

const LAYERS = [
  { value: "v", label: "V" },
  { value: "dv", label: "ΔV" },
  { value: "t", label: "T" },
] as const;

interface Props {
  frame: CellFrame;
  layer: LayerName;
  setLayer: (layer: LayerName) => void;
  cell: number | null;
  choose: (cell: number) => void;
  waiting: boolean;
}

export function HeatMap({ frame, layer: name, setLayer, cell, choose, waiting }: Props) {
  const { temperature } = usePreferences();
  const layer = layerOf(name, frame, usePalette(), temperature);
  const [hover, setHover] = useState<number | null>(null);
  const told = hover ?? cell;
  return (
    <Card
      title={layer.title}
      mark={<Provenance of="measured" />}
      unit={`${layer.unit} ${momentOf(frame)}`}
      actions={<Choice label="Layer" value={name} set={setLayer} options={LAYERS} />}
    >
      <div className={waiting ? styles.waiting : undefined}>
        <Cells frame={frame} layer={layer} cell={cell} choose={choose} hover={setHover} />
        <div className={styles.under}>
          {frame.voltage_v.some((_, i) => layer.heat(i + 1) !== null) ? (
            <Scale layer={layer} />
          ) : (
            <p className="support">
              No {name === "t" ? "temperatures" : "voltages"} were sent around this moment.
            </p>
          )}
          <p className="axis">
            {told === null
              ? `cell n = ${frame.cells_per_module} (module − 1) + position · hover: rank, z`
              : toldOf(frame, told)}
          </p>
        </div>
      </div>
    </Card>
  );
}

/** When the frame was taken and under which current: a spread under load is not one at rest. */
export function momentOf({ at, current_a: current }: CellFrame): string {
  if (at === null) return "";
  const when = isRecent(at, Date.now()) ? clock(at, true) : `${day(at)} ${clock(at, true)}`;
  return `at ${when}${current === null ? "" : `, ${number(current)} A`}`;
}

interface CellsProps extends Pick<Props, "frame" | "cell" | "choose"> {
  layer: Layer;
  hover: (cell: number | null) => void;
}

function Cells({ frame, layer, cell, choose, hover }: CellsProps) {
  const { modules, cells_per_module: per } = frame;
  const grid = useRef<HTMLDivElement>(null);
  const stop = cell ?? 1;
  const chosen = cell === null ? null : placeOf(cell, per);
  const move = (event: KeyboardEvent): void => {
    const next = stepped(
      event.key,
      Number((event.target as HTMLElement).dataset["cell"]),
      frame.voltage_v.length,
      per,
    );
    if (next === null) return;
    event.preventDefault();
    grid.current?.querySelector<HTMLElement>(`[data-cell="${next}"]`)?.focus();
  };
  const style = { gridTemplateColumns: `auto repeat(${modules}, minmax(30px, 1fr))` };
  return (
    <div className={styles.scroll}>
      <div
        ref={grid}
        className={styles.grid}
        role="grid"
        aria-label={`${layer.title}, ${layer.unit}`}
        style={style}
        onKeyDown={move}
        onPointerLeave={() => hover(null)}
      >
        <div role="row" className={styles.row}>
          <span role="columnheader" className={styles.corner} />
          {range(modules).map((module) => (
            <span
              key={module}
              role="columnheader"
              className={styles.head}
              data-chosen={chosen?.module === module}
            >
              M{module}
            </span>
          ))}
        </div>
        {range(per).map((place) => (
          <div key={place} role="row" className={styles.row}>
            <span role="rowheader" className={styles.side}>
              {place === 1 ? "cell 1" : place}
            </span>
            {range(modules).map((module) => {
              const number = (module - 1) * per + place;
              if (number > frame.voltage_v.length) return <span key={module} role="gridcell" />;
              const shown = layer.heat(number);
              return (
                <span key={module} role="gridcell" aria-selected={number === cell}>
                  <button
                    type="button"
                    data-cell={number}
                    tabIndex={number === stop ? 0 : -1}
                    aria-label={saidOf(frame, number)}
                    aria-pressed={number === cell}
                    className={shown ? styles.cell : styles.absent}
                    style={shown ? { background: shown.ground, color: shown.text } : undefined}
                    onClick={() => choose(number)}
                    onPointerEnter={() => hover(number)}
                    onFocus={() => hover(number)}
                  >
                    {layer.text(number)}
                  </button>
                </span>
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** The cell that a key moves to: down and up within a module, left and right between modules. */
export function stepped(key: string, cell: number, cells: number, per: number): number | null {
  const to: Record<string, number> = {
    ArrowDown: cell % per === 0 ? cell : cell + 1,
    ArrowUp: (cell - 1) % per === 0 ? cell : cell - 1,
    ArrowRight: cell + per,
    ArrowLeft: cell - per,
    Home: 1,
    End: cells,
  };
  const next = to[key];
  if (next === undefined || !Number.isFinite(next)) return null;
  return next >= 1 && next <= cells ? next : cell;
}

function Scale({ layer }: { layer: Layer }) {
  const from = layer.diverging ? "heat-low" : "heat-mid";
  const middle = layer.diverging ? "var(--heat-mid), " : "";
  return (
    <div className={styles.scale} aria-hidden="true">
      {layer.diverging && <span className="axis">below</span>}
      <div>
        <div
          className={styles.bar}
          style={{ background: `linear-gradient(90deg, var(--${from}), ${middle}var(--heat-high))` }}
        />
        <div className={styles.marks}>
          {layer.scale.map(({ part, text }, i) => (
            <span key={part} className="axis">
              {text}
              {i === layer.scale.length - 1 ? ` ${layer.unit}` : ""}
            </span>
          ))}
        </div>
      </div>
      {layer.diverging && <span className="axis">above median</span>}
    </div>
  );
}
