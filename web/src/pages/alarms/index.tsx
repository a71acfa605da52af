// Alarms: the inbox beside the alarm that is open.
import { useEffect, useMemo, useState } from "react";
import { useLocation, useNavigate, useParams } from "react-router";
import type { ApiError } from "@/api/client";
import { useKeys } from "@/app/keys";
import { Crumbs } from "@/app/PageBar";
import { useMay, useMe } from "@/app/session";
import { useUrlPatch } from "@/app/url";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { useSaving } from "@/components/saving";
import { PageTitle } from "@/components/PageTitle";
import { Empty, Failed, Loading, NoAccess, NothingMatches } from "@/components/States";
import { csv, download } from "@/format";
import { act } from "./actions";
import { Narrowing, Views } from "./Bar";
import { Detail } from "./Detail";
import { filtersOf, narrowed, queryOf, type Filters, type Row } from "./filters";
import { Inbox } from "./Inbox";
import { allAlarms, useAlarms, useCounts } from "./list";
import { settle } from "./order";
import { tomorrow } from "./snoozes";
import { standing } from "./StateMark";
import styles from "./alarms.module.css";

const HOUR_MS = 3_600_000;
const EMPTY: Readonly<Record<Filters["view"], string>> = {
  active: "No active alarms",
  mine: "Nothing is assigned to you",
  snoozed: "Nothing is snoozed",
  closed: "No alarm was closed yet",
};

export default function Alarms() {
  return useMay()("alarms.read") ? <Page /> : <NoAccess />;
}

function Page() {
  const { alarmId } = useParams();
  const { search } = useLocation();
  const me = useMe();
  const acting = useMay()("alarms.act");
  const filters = useMemo(() => filtersOf(search), [search]);
  const { found, rows: fresh, total } = useAlarms(filters);
  const counts = useCounts(filters);
  const order = useOrder(fresh, JSON.stringify(filters));
  const rows = order.shown;
  const ticks = useTicks(JSON.stringify(filters));
  const chosen = alarmId ?? rows[0]?.alarm_id ?? "";
  const address = (id: string) => `/alarms/${id}${search}`;
  useAlarmKeys(rows, chosen, ticks.ticked, address, acting);
  return (
    <div className={styles.page} data-open={alarmId !== undefined}>
      <Crumbs here="Alarms" />
      <PageTitle title="Alarms" facts={<Facts active={counts.active} rows={fresh} />}>
        <Views filters={filters} counts={counts} />
        <Csv filters={filters} />
      </PageTitle>
      <div className={styles.split}>
        <Card flush className={styles.left}>
          <Narrowing filters={filters} counts={counts} />
          {rows.length > 0 ? (
            <Inbox
              rows={rows}
              total={total}
              waiting={order.waiting}
              showNew={order.release}
              hold={order.hold}
              chosen={chosen}
              {...ticks}
              address={address}
              more={found.hasNextPage ? () => void found.fetchNextPage() : null}
              acting={acting}
              me={me.username}
            />
          ) : (
            <Nothing filters={filters} found={found} />
          )}
        </Card>
        <Card className={styles.right}>
          {chosen ? (
            <Detail key={chosen} alarmId={chosen} back={`/alarms${search}`} />
          ) : (
            !found.isPending && <Empty title="No alarm to show" />
          )}
        </Card>
      </div>
    </div>
  );
}

function Facts({ active, rows }: { active: number | undefined; rows: readonly Row[] }) {
  if (active === undefined) return null;
  const since = Date.now() - HOUR_MS;
  const fresh = rows.filter((row) => Date.parse(row.raised_at) > since).length;
  return (
    <>
      {active} active{fresh > 0 && ` · ${fresh} new in the last hour`}
    </>
  );
}

/** The order as it is shown: it waits while the pointer or the focus is in the list. */
function useOrder(fresh: readonly Row[], key: string) {
  const [held, hold] = useState(false);
  const [kept, keep] = useState<{ key: string; ids: readonly string[] }>({ key, ids: [] });
  const { shown, waiting } = settle(fresh, held && kept.key === key ? kept.ids : null, (row) => row.alarm_id);
  const ids = shown.map((row) => row.alarm_id).join();
  useEffect(() => keep({ key, ids: ids === "" ? [] : ids.split(",") }), [key, ids]);
  return { shown, waiting, hold, release: () => keep({ key, ids: fresh.map((row) => row.alarm_id) }) };
}

function useTicks(key: string) {
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => setTicked(new Set()), [key]);
  const tick = (ids: readonly string[], on: boolean) =>
    setTicked((old) => {
      const next = new Set(old);
      for (const id of ids)
        if (on) next.add(id);
        else next.delete(id);
      return next;
    });
  return { ticked, tick };
}

function useAlarmKeys(
  rows: readonly Row[],
  chosen: string,
  ticked: ReadonlySet<string>,
  address: (id: string) => string,
  acting: boolean,
) {
  const navigate = useNavigate();
  const at = rows.findIndex((row) => row.alarm_id === chosen);
  const go = (to: number) => {
    const row = rows[Math.max(0, Math.min(to, rows.length - 1))];
    if (row) void navigate(address(row.alarm_id), { replace: true });
  };
  const some = rows.filter((row) => (ticked.size > 0 ? ticked.has(row.alarm_id) : row.alarm_id === chosen));
  const active = some.filter((row) => row.state === "active");
  const open = some.filter((row) => row.state !== "cleared");
  useKeys({
    j: { does: "Next alarm", run: () => go(at + 1) },
    k: { does: "Alarm before", run: () => go(at - 1) },
    Enter: { does: "Go into the alarm", run: () => document.getElementById("alarm")?.focus() },
    ...(acting && {
      a: { does: "Acknowledge", run: () => void (active.length > 0 && act(active, "acknowledge")) },
      s: {
        does: "Snooze until tomorrow",
        run: () => void (open.length > 0 && act(open, "snooze", { until: tomorrow().toISOString() })),
      },
    }),
  });
}

type Found = ReturnType<typeof useAlarms>["found"];

function Nothing({ filters, found }: { filters: Filters; found: Found }) {
  const patch = useUrlPatch();
  if (found.isPending) return <Loading heights={[50, 50, 50, 50, 50, 50]} />;
  if (found.error) {
    const retry = () => void found.refetch();
    return <Failed what="The alarms could not be loaded" error={found.error as ApiError} retry={retry} />;
  }
  const clear = () => patch({ severity: null, code: null, vehicle: null }, { push: true });
  if (narrowed(filters)) return <NothingMatches title="No alarm matches" clear={clear} />;
  return (
    <Empty title={EMPTY[filters.view]}>
      {filters.view === "active" &&
        "What the rules find is listed here as it is raised, without loading again."}
    </Empty>
  );
}

const COLUMNS = [
  "alarm",
  "severity",
  "code",
  "title",
  "vehicle",
  "subject",
  "state",
  "first",
  "last",
  "count",
  "assignee",
];

function Csv({ filters }: { filters: Filters }) {
  const me = useMe();
  const { busy, save } = useSaving(async () => {
    const rows = await allAlarms(queryOf(filters, me));
    const lines = rows.map((row) => [
      row.alarm_id,
      row.severity,
      row.code,
      row.title,
      row.vehicle_id,
      row.subject,
      standing(row).toLowerCase(),
      row.first_at,
      row.last_at,
      row.count,
      row.assignee,
    ]);
    download(`alarms-${filters.view}.csv`, csv(COLUMNS, lines));
  });
  return (
    <Button icon="download" disabled={busy} onClick={save} title="All alarms that match">
      <span className={styles.word}>CSV</span>
    </Button>
  );
}
