/** What the twin's page reads. */

import { api, useApi, type Schemas } from "@/api/client";
import { usePaged } from "@/components/table";
import type { Version } from "../data";

const PIECES = { first: 50, more: 50 };
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
  return usePaged<Version, Schemas["VersionPage"]>(
    ["vehicle", id, "versions"],
    (at, signal) =>
      api.GET("/v1/vehicles/{vehicle_id}/versions", { params: { ...of(id), query: at }, signal }),
    PIECES,
  );
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
