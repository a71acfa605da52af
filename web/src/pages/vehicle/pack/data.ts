/** What the pack's page reads. */

import { api, useApi, type Schemas } from "@/api/client";
import type { Telemetry } from "../data";

export type SpreadTrend = Schemas["SpreadTrend"];
export type CellSeries = Schemas["CellSeries"];

export const SPREAD_DAYS = 90;
const CELL_POINTS = 600;
const CURRENT_POINTS = 900;

const of = (id: string) => ({ path: { vehicle_id: id } });
const iso = (ms: number): string => new Date(ms).toISOString();

export function useCells(id: string, at: number | null) {
  return useApi(["vehicle", id, "cells", at], (signal) =>
    api.GET("/v1/vehicles/{vehicle_id}/cells", {
      params: { ...of(id), query: at === null ? {} : { at: iso(at) } },
      signal,
    }),
  );
}

export function useSpread(id: string, days: number) {
  return useApi(
    ["vehicle", id, "spread", days],
    (signal) =>
      api.GET("/v1/vehicles/{vehicle_id}/spread", { params: { ...of(id), query: { days } }, signal }),
    { fresh: true },
  );
}

export function useCell(id: string, cell: number, [start, end]: readonly [number, number]) {
  return useApi(["vehicle", id, "cell", cell, start, end], (signal) =>
    api.GET("/v1/vehicles/{vehicle_id}/cells/{cell}", {
      params: {
        path: { vehicle_id: id, cell },
        query: { start: iso(start), end: iso(end), points: CELL_POINTS },
      },
      signal,
    }),
  );
}

/** The pack current alone, to find a moment by. */
export function useCurrent(id: string, [start, end]: readonly [number, number]) {
  return useApi(["vehicle", id, "current", start, end], (signal) => {
    const query = { start: iso(start), end: iso(end), signals: "pack_current_a", points: CURRENT_POINTS };
    const answer = api.GET("/v1/vehicles/{vehicle_id}/telemetry", { params: { ...of(id), query }, signal });
    return answer as Promise<{ data?: Telemetry; error?: unknown; response: Response }>;
  });
}
