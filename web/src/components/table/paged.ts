/** A list that comes a piece at a time, as it is scrolled. */

import { keepPreviousData, useInfiniteQuery, type InfiniteData } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef } from "react";
import { answered, type ApiError } from "@/api/client";

export interface Piece {
  limit: number;
  cursor?: string;
}

interface Page<Item> {
  items: Item[];
  page: { next_cursor: string | null; total: number };
}

type Ask<P> = (at: Piece, signal: AbortSignal) => Promise<{ data?: P; error?: unknown; response: Response }>;

interface Sizes {
  /** The first piece is what a screen shows; the others come when the list is scrolled. */
  first?: number;
  more?: number;
}

const following = (more: number) => (last: Page<unknown>) => {
  const cursor = last.page.next_cursor;
  return cursor === null ? undefined : { limit: more, cursor };
};

/** The rows so far, how many there are in all, and what tells it how far one has scrolled. */
export function usePaged<Item, P extends Page<Item>>(
  key: readonly unknown[],
  ask: Ask<P>,
  { first = 100, more = 500 }: Sizes = {},
) {
  const list = useInfiniteQuery<P, ApiError, InfiniteData<P>, readonly unknown[], Piece>({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => answered(ask(pageParam, signal)),
    initialPageParam: { limit: first },
    getNextPageParam: following(more),
    placeholderData: keepPreviousData,
  });
  const pages = list.data?.pages;
  const rows = useMemo(() => pages?.flatMap((page) => page.items) ?? [], [pages]);
  const ready = list.hasNextPage && !list.isFetching;
  const reach = useReach(rows.length, ready, () => void list.fetchNextPage());
  return { ...list, rows, total: pages?.at(-1)?.page.total ?? 0, first: pages?.[0], reach };
}

/** Read on until the row that is looked at is here. */
function useReach(here: number, ready: boolean, readOn: () => void): (index: number) => void {
  const wanted = useRef(-1);
  const newest = useRef({ here, ready, readOn });
  useEffect(() => {
    newest.current = { here, ready, readOn };
    if (ready && wanted.current >= here) readOn();
  });
  return useCallback((index: number) => {
    wanted.current = index;
    const now = newest.current;
    if (now.ready && index >= now.here) now.readOn();
  }, []);
}

/** Everything of such a list, for a file. */
export async function allOf<Item>(ask: Ask<Page<Item>>, more = 500): Promise<Item[]> {
  const rows: Item[] = [];
  const { signal } = new AbortController();
  let at: Piece | undefined = { limit: more };
  while (at !== undefined) {
    const page: Page<Item> = await answered(ask(at, signal));
    rows.push(...page.items);
    at = following(more)(page);
  }
  return rows;
}
