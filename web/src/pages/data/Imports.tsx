import { Link } from "react-router";
import { api, type Schemas } from "@/api/client";
import { Card } from "@/components/Card";
import { Empty, Shown } from "@/components/States";
import { Table, usePaged, type Column } from "@/components/table";
import { number, Time } from "@/format";
import styles from "./data.module.css";
import { HowTo } from "./HowTo";

type Item = Schemas["ImportItem"];

const COLUMNS: Column<Item>[] = [
  { id: "at", head: "When", width: 132, cell: (item) => <Time at={item.at} /> },
  { id: "files", head: "Files", cell: (item) => <Files names={item.files} /> },
  { id: "profile", head: "Profile", width: 150, from: 560, cell: (item) => item.profile },
  { id: "rows", head: "Rows", width: 110, align: "end", cell: (item) => number(item.rows) },
  {
    id: "dead",
    head: "Dead letters",
    width: 110,
    align: "end",
    cell: (item) =>
      item.dead_letters === 0 ? (
        <span className={styles.soft}>none</span>
      ) : (
        <Link to={`/data/dead-letters?import=${encodeURIComponent(item.import_id)}`}>
          {number(item.dead_letters)}
        </Link>
      ),
  },
];

function Files({ names }: { names: readonly string[] }) {
  const [first = ""] = names;
  const more = names.length - 1;
  return (
    <span title={names.join("\n")}>
      {first.split("/").at(-1)}
      {more > 0 ? <span className={styles.soft}> and {number(more)} more</span> : null}
    </span>
  );
}

/** Imports of files, newest first. */
export function Imports() {
  const list = usePaged<Item, Schemas["ImportPage"]>(["imports"], (at, signal) =>
    api.GET("/v1/imports", { params: { query: at }, signal }),
  );
  return (
    <Card
      title="Imports"
      unit={list.data ? `${number(list.total)}, newest first` : undefined}
      className={styles.grow}
    >
      <Shown query={list} what="The imports could not be loaded">
        {() =>
          list.total === 0 ? (
            <>
              <Empty title="No imports yet">
                Import CSV or Parquet files; a profile says what their columns mean.
              </Empty>
              <HowTo
                lines={["twinpack import trips.csv"]}
                guide="It says what it read, and what could not be used."
              />
            </>
          ) : (
            <Table
              label="Imports"
              fill
              columns={COLUMNS}
              rows={list.rows}
              total={list.total}
              rowKey={(item) => item.import_id}
              onReach={list.reach}
            />
          )
        }
      </Shown>
    </Card>
  );
}
