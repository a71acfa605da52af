import { useState } from "react";
import { Dialog } from "@/components/Dialog";
import type { Formatter } from "@/format";
import type { Filters, Part } from "./filters";
import styles from "./fleet.module.css";
import type { Brushed } from "./ScatterCard";

interface Props {
  filters: Filters;
  format: Formatter;
  brush: (parts: Brushed) => void;
  close: () => void;
}

type Fields = Record<"health" | "distance" | "age", { low: string; high: string }>;

const text = (value: number | null | undefined) => (value == null ? "" : String(Math.round(value * 10) / 10));

function fieldsOf(filters: Filters, format: Formatter): Fields {
  const { health, distance, age } = filters;
  const inUnit = (km: number | null | undefined) =>
    km == null ? "" : text(Math.round(format.toDistance(km)));
  return {
    health: { low: text(health?.low), high: text(health?.high) },
    distance: { low: inUnit(distance?.low), high: inUnit(distance?.high) },
    age: { low: text(age?.low), high: text(age?.high) },
  };
}

function part(
  { low, high }: { low: string; high: string },
  turn: (value: number) => number = (v) => v,
): Part | null {
  const end = (value: string) => (value.trim() === "" ? null : turn(Number(value)));
  const read = { low: end(low), high: end(high) };
  return read.low === null && read.high === null ? null : read;
}

/** The same as a brush, with figures: for the keyboard, and for who knows what is looked for. */
export function BrushForm({ filters, format, brush, close }: Props) {
  const [fields, setFields] = useState(() => fieldsOf(filters, format));
  const run = () => {
    brush({
      health: part(fields.health),
      distance: part(fields.distance, (value) => Math.round(format.fromDistance(value))),
      age: part(fields.age),
    });
    close();
  };
  const row = (name: keyof Fields, label: string, unit: string) => (
    <fieldset className={styles.range}>
      <legend>
        {label}, {unit}
      </legend>
      {(["low", "high"] as const).map((end) => (
        <label key={end}>
          {end === "low" ? "from" : "to"}
          <input
            type="number"
            step="any"
            min={0}
            inputMode="decimal"
            value={fields[name][end]}
            onChange={(event) =>
              setFields({ ...fields, [name]: { ...fields[name], [end]: event.target.value } })
            }
          />
        </label>
      ))}
    </fieldset>
  );
  return (
    <Dialog title="Show a part of the fleet" close={close} act={{ label: "Show these vehicles", run }}>
      {row("health", "Capacity health", "%")}
      {row("distance", "Distance", format.distanceUnit)}
      {row("age", "Age", "years")}
    </Dialog>
  );
}
