/** The same numbers as a table, which is also a chart's text alternative. */

import { useMemo } from "react";

import { Table, type Column } from "@/components/table";
import { moment, number } from "@/format";
import styles from "./charts.module.css";
import { clockOf } from "./scale";
import { cellText, tablesOf, type Table as Numbers, type Value } from "./rows";
import type { ChartSpec } from "./spec";

export function ChartTable({ spec, height }: { spec: ChartSpec; height: number | undefined }) {
  const tables = useMemo(() => tablesOf(spec).filter((table) => table.rows.length > 0), [spec]);
  return (
    <div className={styles.table} style={height === undefined ? undefined : { height }}>
      {tables.map((table, i) => (
        <One key={i} spec={spec} table={table} />
      ))}
    </div>
  );
}

interface Numbered {
  key: string;
  values: Value[];
}

function One({ spec, table }: { spec: ChartSpec; table: Numbers }) {
  const columns = useMemo(() => columnsOf(spec, table), [spec, table]);
  const rows = useMemo(() => table.rows.map((values, i) => ({ key: String(i), values })), [table]);
  return (
    <Table
      label={`${spec.name}: ${number(rows.length)} rows`}
      columns={columns}
      rows={rows}
      rowKey={(row) => row.key}
      rowHeight={26}
      minWidth={110 * columns.length}
      fill
    />
  );
}

function columnsOf(spec: ChartSpec, table: Numbers): Column<Numbered>[] {
  return table.head.map((head, i) => ({
    id: String(i),
    head,
    ...(i > 0 && { align: "end" as const }),
    cell: ({ values }) =>
      i === 0 ? firstText(spec, values[0] ?? null) : cellText(values[i] ?? null, table.digits[i] ?? null),
  }));
}

function firstText(spec: ChartSpec, value: Value): string {
  if (typeof value !== "number") return cellText(value, null);
  if (spec.x.read) return spec.x.read(value);
  if (spec.x.kind === "time") return `${moment(value).replace(/\d\d:\d\d$/, "")}${clockOf(value, true)}`;
  return cellText(value, null);
}
