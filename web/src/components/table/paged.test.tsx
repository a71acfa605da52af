import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, describe, expect, it } from "vitest";
import { allOf, usePaged, type Piece } from "./paged";

const TOTAL = 1234;

/** A service that counts: cursors are places. */
async function ask({ limit, cursor }: Piece) {
  const from = Number(cursor ?? 0);
  const to = Math.min(from + limit, TOTAL);
  const items = Array.from({ length: to - from }, (_, i) => from + i);
  const data = { items, page: { next_cursor: to < TOTAL ? String(to) : null, total: TOTAL } };
  return { data, response: new Response() };
}

function Around({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={new QueryClient()}>{children}</QueryClientProvider>;
}

afterEach(cleanup);

describe("a list that comes in pieces", () => {
  it("reads on until the row that is looked at is here", async () => {
    const { result } = renderHook(
      () => usePaged<number, Awaited<ReturnType<typeof ask>>["data"]>(["n"], ask),
      {
        wrapper: Around,
      },
    );
    await waitFor(() => expect(result.current.rows).toHaveLength(100));
    expect(result.current.total).toBe(TOTAL);

    act(() => result.current.reach(700));

    await waitFor(() => expect(result.current.rows).toHaveLength(1100));
    act(() => result.current.reach(TOTAL - 1));
    await waitFor(() => expect(result.current.rows.at(-1)).toBe(TOTAL - 1));
    expect(result.current.rows).toHaveLength(TOTAL);
  });
  it("is read to its end for a file", async () => {
    expect(await allOf<number>(ask)).toHaveLength(TOTAL);
  });
});
