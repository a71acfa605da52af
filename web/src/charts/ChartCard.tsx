/** A card that holds one chart: heading with unit, read-out and legend, and the menu for PNG, CSV and the table. */

import { useId, useRef, useState, type ReactNode } from "react";

import { Card } from "@/components/Card";
import { Icon } from "@/components/Icon";
import { Menu } from "@/components/Menu";
import { Provenance, type ProvenanceName } from "@/components/marks";
import { Chart, type ChartHandle, type ChartProps } from "./Chart";
import { ChartTable } from "./ChartTable";
import styles from "./charts.module.css";
import { savePng, saveCsv } from "./exports";
import { hasData } from "./extent";
import { Legend } from "./Legend";
import { ReadOut } from "./ReadOut";
import type { ChartSpec } from "./spec";

export interface ChartCardProps extends Omit<ChartProps, "spec" | "ref"> {
  title: ReactNode;
  /** How it is known. */
  known?: ProvenanceName;
  unit?: string;
  /** Null while it is not there yet. */
  spec: ChartSpec | null;
  legend?: boolean;
  /** Read values out in the heading; `named` where their units do not tell them apart. */
  readOut?: "plain" | "named" | "none";
  actions?: ReactNode;
  /** Stands in place of the chart: why there is none, or that it is on its way. */
  instead?: ReactNode;
  /** Said when the chart has no values at all. */
  empty?: ReactNode;
  /** What is shown is old while the new is on its way. */
  waiting?: boolean;
  className?: string;
  children?: ReactNode;
}

export function ChartCard(props: ChartCardProps) {
  const {
    title,
    known,
    unit = "",
    spec,
    legend = true,
    readOut = "plain",
    actions,
    instead,
    empty,
    ...rest
  } = props;
  const { waiting = false, className, children, ...chart } = rest;
  const own = useId();
  const link = chart.link ?? own;
  const handle = useRef<ChartHandle>(null);
  const [table, setTable] = useState(false);
  const drawn = spec !== null && !instead && hasData(spec);
  return (
    <Card
      title={title}
      mark={known && <Provenance of={known} />}
      unit={unit}
      className={[chart.height === undefined && styles.filling, className].filter(Boolean).join(" ")}
      actions={
        <>
          {drawn && readOut !== "none" && (
            <ReadOut spec={spec} link={link} view={chart.view} named={readOut === "named"} />
          )}
          {drawn && legend && <Legend spec={spec} />}
          {actions}
          {drawn && (
            <ChartMenu
              name={spec.name}
              table={table}
              setTable={setTable}
              png={() => savePng(spec, handle.current, unit)}
              csv={() => saveCsv(spec)}
            />
          )}
        </>
      }
    >
      <div className={`${styles.body} ${waiting ? styles.old : ""}`} style={{ minHeight: chart.height }}>
        {!drawn && (instead ?? (spec !== null && (empty ?? <p className={styles.note}>No values yet.</p>)))}
        {drawn && table && <ChartTable spec={spec} height={chart.height} />}
        {drawn && !table && <Chart {...chart} spec={spec} link={link} ref={handle} />}
      </div>
      {children}
    </Card>
  );
}

interface MenuProps {
  name: string;
  table: boolean;
  setTable: (on: boolean) => void;
  png: () => void;
  csv: () => void;
}

function ChartMenu({ name, table, setTable, png, csv }: MenuProps) {
  return (
    <Menu
      button={<Icon name="more" />}
      label={`${name}: more`}
      className={styles.more}
      items={[
        { label: table ? "Show as chart" : "Show as table", run: () => setTable(!table) },
        ...(table ? [] : [{ label: "Save as PNG", run: png }]),
        { label: "Save as CSV", run: csv },
      ]}
    />
  );
}
