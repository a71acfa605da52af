import { useState, type KeyboardEvent } from "react";
import { api, useChange, type Schemas } from "@/api/client";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { Failed } from "@/components/States";
import { Table, type Column } from "@/components/table";
import { count, csv, download, number, type CsvValue } from "@/format";
import styles from "./data.module.css";

type Result = Schemas["QueryResult"];
type Line = readonly unknown[];

const FIRST =
  "select vehicle_id, count(*) as trips, sum(distance_km) as km\nfrom trips\ngroup by vehicle_id\norder by km desc";
const NUMBER = /INT|DOUBLE|FLOAT|DECIMAL/i;

/** Questions in SQL; only rows that may be seen are there. */
export function Query() {
  const [sql, setSql] = useState(FIRST);
  const asked = useChange((text: string) => api.POST("/v1/query", { body: { sql: text, limit: 10_000 } }));
  const run = () => asked.mutate(sql);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    run();
  };
  return (
    <>
      <Card
        title="Query"
        unit="SQL over the lake; what you may not see is not there"
        actions={
          <Button kind="filled" onClick={run} disabled={asked.isPending || sql.trim() === ""}>
            Run
          </Button>
        }
      >
        <textarea
          className={styles.sql}
          aria-label="SQL"
          aria-keyshortcuts="Control+Enter"
          spellCheck={false}
          rows={Math.min(14, Math.max(5, sql.split("\n").length + 1))}
          value={sql}
          onChange={(event) => setSql(event.target.value)}
          onKeyDown={onKeyDown}
        />
      </Card>
      {asked.error ? (
        <Card>
          <Failed what="The query was not run" error={asked.error} retry={run} />
        </Card>
      ) : null}
      {asked.data ? <Answer result={asked.data as Result} /> : null}
    </>
  );
}

const text = (value: unknown): string =>
  value === null ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value);
const plain = (value: unknown): CsvValue =>
  value === null || typeof value === "number" || typeof value === "boolean" ? value : text(value);

function Answer({ result }: { result: Result }) {
  const { columns, types, rows, truncated } = result;
  const drawn: Column<Line>[] = columns.map((name, at) => {
    const figure = NUMBER.test(types[at] ?? "");
    return {
      id: `${at} ${name}`,
      head: name,
      ...(figure ? { align: "end" as const } : {}),
      cell: (row) =>
        figure && typeof row[at] === "number" ? (
          figureText(row[at])
        ) : (
          <span title={text(row[at])}>{text(row[at])}</span>
        ),
    };
  });
  const save = () =>
    download(
      "query.csv",
      csv(
        columns,
        rows.map((row) => row.map(plain)),
      ),
    );
  return (
    <Card
      title="Answer"
      unit={`${count(rows.length, "row")}${truncated ? ", cut there: ask for fewer" : ""}`}
      className={styles.grow}
      actions={
        <Button small icon="download" onClick={save}>
          CSV
        </Button>
      }
    >
      <Table
        label="Answer"
        fill
        columns={drawn}
        rows={rows}
        rowKey={(row) => String(rows.indexOf(row as unknown[]))}
        minWidth={columns.length * 110}
      />
    </Card>
  );
}

function figureText(value: number): string {
  return Number.isInteger(value) ? number(value) : number(value, Math.abs(value) < 1 ? 4 : 2);
}
