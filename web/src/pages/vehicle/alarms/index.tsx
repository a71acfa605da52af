/** Alarms of this vehicle: what is open, or all there was. One opens in the inbox, where it is acted on. */

import { useMemo } from "react";
import { useInfiniteQuery } from "@tanstack/react-query";

import { answered, api, type ApiError, type Schemas } from "@/api/client";
import { useUrlState } from "@/app/url";
import { Card } from "@/components/Card";
import { LinkButton } from "@/components/Button";
import { Severity } from "@/components/marks";
import { Empty, Shown } from "@/components/States";
import { Choice } from "@/components/Tabs";
import { Table, type Column } from "@/components/table";
import { number, utc } from "@/format";
import { StateMark } from "@/pages/alarms/StateMark";
import { when } from "@/pages/alarms/when";
import type { TabProps } from "..";
import styles from "./alarms.module.css";

type AlarmPage = Schemas["AlarmPage"];
type Row = Schemas["AlarmRow"];
type Which = "open" | "all";

const PAGE = 100;
const AHEAD = 20;
const WHICH = [
  { value: "open", label: "Open" },
  { value: "all", label: "All" },
] as const;
const EVERY_STATE: Row["state"][] = ["active", "acknowledged", "cleared"];

export default function AlarmsTab({ vehicle }: TabProps) {
  const id = vehicle.row.vehicle_id;
  const [which, setWhich] = useUrlState<Which>("show", "open");
  const query = useVehicleAlarms(id, which);
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const total = query.data?.pages[0]?.page.total ?? 0;
  const reach = (index: number): void => {
    if (index > rows.length - AHEAD && query.hasNextPage && !query.isFetching) void query.fetchNextPage();
  };
  return (
    <Card
      title="Alarms"
      unit={query.data && `${number(total)} ${which === "open" ? "open" : "in all"} · severity, then newest`}
      actions={
        <>
          <Choice label="Which alarms" value={which} set={setWhich} options={WHICH} />
          <LinkButton to={`/alarms?vehicle=${encodeURIComponent(id)}`}>Open in the inbox</LinkButton>
        </>
      }
      flush
      className={styles.card}
    >
      <Shown query={query} what="The alarms could not be loaded" heights={[200]}>
        {() =>
          rows.length === 0 ? (
            <Empty title={which === "open" ? "No open alarm" : "No alarm yet"}>
              {which === "open"
                ? "What was cleared is under All."
                : "The rules have found nothing about this vehicle."}
            </Empty>
          ) : (
            <Table
              label={`Alarms of ${id}`}
              columns={COLUMNS}
              rows={rows}
              total={total}
              rowKey={(row) => row.alarm_id}
              href={(row) => `/alarms/${row.alarm_id}?vehicle=${encodeURIComponent(id)}`}
              onReach={reach}
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
  return useInfiniteQuery<AlarmPage, ApiError>({
    queryKey: ["vehicle", id, "alarms", which],
    initialPageParam: undefined,
    getNextPageParam: (page) => page.page.next_cursor ?? undefined,
    queryFn: ({ signal, pageParam }) =>
      answered(
        api.GET("/v1/alarms", {
          params: {
            query: {
              vehicle_id: id,
              limit: PAGE,
              ...(which === "all" && { state: EVERY_STATE }),
              ...(typeof pageParam === "string" && { cursor: pageParam }),
            },
          },
          signal,
        }),
      ),
  });
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
