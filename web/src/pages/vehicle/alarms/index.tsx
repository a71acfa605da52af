/** Alarms of this vehicle: what is open, or all there was. One opens in the inbox, where it is acted on. */

import { api, type Schemas } from "@/api/client";
import { useUrlState } from "@/app/url";
import { Card } from "@/components/Card";
import { LinkButton } from "@/components/Button";
import { Severity } from "@/components/marks";
import { Empty, Shown } from "@/components/States";
import { Choice } from "@/components/Tabs";
import { Table, usePaged, type Column } from "@/components/table";
import { number, utc } from "@/format";
import { StateMark } from "@/pages/alarms/StateMark";
import { when } from "@/pages/alarms/when";
import type { TabProps } from "..";
import styles from "./alarms.module.css";

type Row = Schemas["AlarmRow"];
type Which = "open" | "all";

const PIECES = { first: 100, more: 100 };
const WHICH = [
  { value: "open", label: "Open" },
  { value: "all", label: "All" },
] as const;
const EVERY_STATE: Row["state"][] = ["active", "acknowledged", "cleared"];

export default function AlarmsTab({ vehicle }: TabProps) {
  const id = vehicle.row.vehicle_id;
  const [which, setWhich] = useUrlState<Which>("show", "open");
  const list = useVehicleAlarms(id, which);
  return (
    <Card
      title="Alarms"
      unit={
        list.data &&
        !list.isPlaceholderData &&
        `${number(list.total)} ${which === "open" ? "open" : "in all"} · severity, then newest`
      }
      actions={
        <>
          <Choice label="Which alarms" value={which} set={setWhich} options={WHICH} />
          <LinkButton to={`/alarms?vehicle=${encodeURIComponent(id)}`}>Open in the inbox</LinkButton>
        </>
      }
      flush
      className={styles.card}
    >
      <Shown query={list} what="The alarms could not be loaded" heights={[200]}>
        {() =>
          list.rows.length === 0 ? (
            <Empty title={which === "open" ? "No open alarm" : "No alarm yet"}>
              {which === "open"
                ? "What was cleared is under All."
                : "The rules have found nothing about this vehicle."}
            </Empty>
          ) : (
            <Table
              label={`Alarms of ${id}`}
              columns={COLUMNS}
              rows={list.rows}
              total={list.total}
              rowKey={(row) => row.alarm_id}
              href={(row) => `/alarms/${row.alarm_id}?vehicle=${encodeURIComponent(id)}`}
              onReach={list.reach}
              rowHeight={36}
              minWidth={320}
              fill
            />
          )
        }
      </Shown>
    </Card>
  );
}

function useVehicleAlarms(id: string, which: Which) {
  return usePaged<Row, Schemas["AlarmPage"]>(
    ["vehicle", id, "alarms", which],
    (at, signal) =>
      api.GET("/v1/alarms", {
        params: { query: { vehicle_id: id, ...at, ...(which === "all" && { state: EVERY_STATE }) } },
        signal,
      }),
    PIECES,
  );
}

const COLUMNS: readonly Column<Row>[] = [
  {
    id: "title",
    head: "Alarm",
    cell: (row) => (
      <span className={styles.title}>
        <Severity code={row.severity} />
        <span>
          {row.title} <span className="support">{row.subject}</span>
        </span>
      </span>
    ),
  },
  { id: "code", head: "Code", width: 140, from: 700, cell: (row) => <code>{row.code}</code> },
  { id: "level", head: "Level", width: 80, from: 900, cell: (row) => row.level },
  { id: "state", head: "State", width: 130, from: 420, cell: (row) => <StateMark alarm={row} /> },
  { id: "count", head: "Count", width: 70, from: 600, align: "end", cell: (row) => number(row.count) },
  {
    id: "first",
    head: "First",
    width: 120,
    from: 760,
    align: "end",
    cell: (row) => <span title={utc(row.first_at)}>{when(row.first_at)}</span>,
  },
  {
    id: "last",
    head: "Last",
    width: 110,
    align: "end",
    cell: (row) => <span title={utc(row.last_at)}>{when(row.last_at)}</span>,
  },
  {
    id: "assignee",
    head: "Assigned to",
    width: 130,
    from: 980,
    cell: (row) => row.assignee || <span className="support">unassigned</span>,
  },
];
