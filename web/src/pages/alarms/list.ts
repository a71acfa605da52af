// The alarms of the inbox, page by page, kept up by events.
import { keepPreviousData, useInfiniteQuery, type InfiniteData } from "@tanstack/react-query";
import { answered, api, ApiError, queries, useApi, type Schemas } from "@/api/client";
import { useEvents } from "@/api/events";
import { useMe } from "@/app/session";
import { queryOf, type Filters, type Query, type Row, type View } from "./filters";

type Page = Schemas["AlarmPage"];
type Pages = InfiniteData<Page, string | null>;

const PAGE = 100;
export const LISTS = ["alarms", "list"] as const;

async function pageOf(query: Query, cursor: string | null, signal?: AbortSignal): Promise<Page> {
  const asked = { ...query, limit: PAGE, ...(cursor ? { cursor } : {}) };
  return answered(api.GET("/v1/alarms", { params: { query: asked }, ...(signal ? { signal } : {}) }));
}

export function useAlarms(filters: Filters) {
  const query = queryOf(filters, useMe());
  useEvents(["alarm"], () => void queries.invalidateQueries({ queryKey: ["alarms"] }));
  const found = useInfiniteQuery<Page, ApiError, Pages, readonly unknown[], string | null>({
    queryKey: [...LISTS, query],
    queryFn: ({ pageParam, signal }) => pageOf(query, pageParam, signal),
    initialPageParam: null,
    getNextPageParam: (page) => page.page.next_cursor,
    placeholderData: keepPreviousData,
  });
  const rows = found.data?.pages.flatMap((page) => page.items) ?? [];
  return { found, rows, total: found.data?.pages[0]?.page.total ?? 0 };
}

/** How many there are in each view, and by severity in the one that is open, whatever else is filtered. */
export function useCounts(filters: Filters) {
  const me = useMe();
  const count = (view: View) => {
    const query = queryOf({ ...filters, view, severities: [] }, me);
    return ["alarms", "count", query] as const;
  };
  const ask = (key: ReturnType<typeof count>) => (signal: AbortSignal) =>
    api.GET("/v1/alarms", { params: { query: { ...key[2], limit: 1 } }, signal });
  const keys = {
    active: count("active"),
    mine: count("mine"),
    snoozed: count("snoozed"),
    open: count(filters.view),
  };
  const active = useApi(keys.active, ask(keys.active));
  const mine = useApi(keys.mine, ask(keys.mine));
  const snoozed = useApi(keys.snoozed, ask(keys.snoozed));
  const open = useApi(keys.open, ask(keys.open));
  return {
    active: active.data?.page.total,
    mine: mine.data?.page.total,
    snoozed: snoozed.data?.page.total,
    bySeverity: open.data?.by_severity,
  };
}

/** All that match, for a file: every page. */
export async function allAlarms(query: Query): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | null = null;
  do {
    const page: Page = await pageOf(query, cursor);
    rows.push(...page.items);
    cursor = page.page.next_cursor;
  } while (cursor !== null);
  return rows;
}

/** Put alarms as they are now where they are shown, before the lists are read again. */
export function putRows(changed: readonly Row[]): void {
  const byId = new Map(changed.map((row) => [row.alarm_id, row]));
  queries.setQueriesData<Pages>(
    { queryKey: LISTS },
    (old) =>
      old && {
        ...old,
        pages: old.pages.map((page) => ({
          ...page,
          items: page.items.map((row) => byId.get(row.alarm_id) ?? row),
        })),
      },
  );
}
