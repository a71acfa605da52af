/** What the twin's page reads. */

import { useInfiniteQuery } from "@tanstack/react-query";

import { answered, api, useApi, type ApiError, type Schemas } from "@/api/client";

export type VersionPage = Schemas["VersionPage"];

const PAGE = 50;
const POINTS = 1500;

const of = (id: string) => ({ path: { vehicle_id: id } });

export function useHistory(id: string) {
  return useApi(
    ["vehicle", id, "twin history"],
    (signal) => api.GET("/v1/vehicles/{vehicle_id}/twin/history", { params: of(id), signal }),
    { fresh: true },
  );
}

export function usePrediction(id: string, trip: number | null) {
  return useApi(
    ["prediction", id, trip],
    (signal) =>
      api.GET("/v1/vehicles/{vehicle_id}/trips/{number}/prediction", {
        params: { path: { vehicle_id: id, number: trip ?? 0 }, query: { points: POINTS } },
        signal,
      }),
    { enabled: trip !== null, staleMs: 300_000 },
  );
}

export function useVersions(id: string) {
  return useInfiniteQuery<VersionPage, ApiError>({
    queryKey: ["vehicle", id, "versions"],
    initialPageParam: undefined,
    getNextPageParam: (page) => page.page.next_cursor ?? undefined,
    queryFn: ({ signal, pageParam }) =>
      answered(
        api.GET("/v1/vehicles/{vehicle_id}/versions", {
          params: {
            ...of(id),
            query: { limit: PAGE, ...(typeof pageParam === "string" && { cursor: pageParam }) },
          },
          signal,
        }),
      ),
  });
}

export function useComparison(id: string, a: number, b: number) {
  return useApi(["comparison", id, a, b], (signal) =>
    api.GET("/v1/vehicles/{vehicle_id}/versions/compare", { params: { ...of(id), query: { a, b } }, signal }),
  );
}

export function useRollbackPreview(id: string, to: number | null) {
  return useApi(
    ["vehicle", id, "rollback", to],
    (signal) =>
      api.GET("/v1/vehicles/{vehicle_id}/rollback", {
        params: { ...of(id), query: { to_version: to ?? 1 } },
        signal,
      }),
    { enabled: to !== null },
  );
}
