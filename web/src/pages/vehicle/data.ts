/** What the pages of one vehicle read, and how they hear that it changed. */

import { useEffect, useRef } from "react";

import { api, queries, useApi, type Schemas } from "@/api/client";
import { useEvents } from "@/api/events";

export type VehicleDetail = Schemas["VehicleDetail"];
export type Telemetry = Schemas["Telemetry"];
export type Trip = Schemas["Trip"];
export type Version = Schemas["Version"];
/** As the client answers it: a pair comes as a list. */
export type Twin = Omit<Schemas["Twin"], "coverage_goal_pct"> & { coverage_goal_pct: readonly number[] };

const REFRESH_MS = 30_000;
/** Several things told at once are read once. */
const GATHER_MS = 400;

const of = (id: string) => ({ path: { vehicle_id: id } });

export function useVehicle(id: string) {
  return useApi(
    ["vehicle", id, "detail"],
    (signal) => api.GET("/v1/vehicles/{vehicle_id}", { params: of(id), signal }),
    {
      everyMs: REFRESH_MS,
      fresh: true,
    },
  );
}

export function useHealth(id: string, enabled: boolean) {
  return useApi(
    ["vehicle", id, "health"],
    (signal) => api.GET("/v1/vehicles/{vehicle_id}/health", { params: of(id), signal }),
    { fresh: true, enabled },
  );
}

/** The twin as it stands, or as it stood at a moment (RFC 3339). */
export function useTwin(id: string, at: string) {
  return useApi(["vehicle", id, "twin", at], (signal) =>
    api.GET("/v1/vehicles/{vehicle_id}/twin", { params: { ...of(id), query: at ? { at } : {} }, signal }),
  );
}

/** Reads all of a vehicle again when something happened to it. */
export function useVehicleEvents(id: string): void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents(
    ["alarm", "trip", "version"],
    () => {
      clearTimeout(timer.current);
      timer.current = setTimeout(
        () => void queries.invalidateQueries({ queryKey: ["vehicle", id] }),
        GATHER_MS,
      );
    },
    id,
  );
}
