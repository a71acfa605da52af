/** What the owner's pages read. */

import { useEffect } from "react";
import { useLocation } from "react-router";
import { api, useApi, type Schemas } from "@/api/client";
import { useEvents } from "@/api/events";
import { queries } from "@/api/query";
import { useMe } from "@/app/session";
import { usePaged } from "@/components/table";
import type { Trip } from "./figures";

const KEPT_AS = "twinpack.owner.car";
const SESSIONS = 100;
const LATEST_MS = 10_000;

/** The car that is looked at: that of the address, the one before, or the first. */
export function useCar(): string | undefined {
  const { vehicles } = useMe();
  const asked = new URLSearchParams(useLocation().search).get("car") ?? sessionStorage.getItem(KEPT_AS);
  const car = asked !== null && vehicles.includes(asked) ? asked : vehicles[0];
  useEffect(() => {
    if (car !== undefined) sessionStorage.setItem(KEPT_AS, car);
  }, [car]);
  return car;
}

const path = (vehicle_id: string) => ({ params: { path: { vehicle_id } } });

export function useDetail(car: string) {
  useEvents(["version", "trip"], () => {
    void queries.invalidateQueries({ queryKey: ["owner", car] });
  });
  return useApi(
    ["owner", car, "detail"],
    (signal) => api.GET("/v1/vehicles/{vehicle_id}", { ...path(car), signal }),
    {
      fresh: true,
    },
  );
}

export function useNewest(car: string) {
  return useApi(
    ["owner", car, "latest"],
    (signal) => api.GET("/v1/vehicles/{vehicle_id}/latest", { ...path(car), signal }),
    {
      everyMs: LATEST_MS,
      fresh: true,
    },
  );
}

export function usePast(car: string) {
  return useApi(
    ["owner", car, "health"],
    (signal) => api.GET("/v1/vehicles/{vehicle_id}/health", { ...path(car), signal }),
    {
      fresh: true,
    },
  );
}

/** The last sessions of a kind, newest first, and what brings earlier ones. */
export function useSessions(car: string, kind: "driving" | "charging") {
  return usePaged<Trip, Schemas["TripPage"]>(
    ["owner", car, "trips", kind],
    (at, signal) =>
      api.GET("/v1/vehicles/{vehicle_id}/trips", {
        params: { path: { vehicle_id: car }, query: { kind, ...at } },
        signal,
      }),
    { first: SESSIONS, more: SESSIONS },
  );
}

export function useShares(car: string, enabled: boolean) {
  return useApi(
    ["owner", car, "shares"],
    (signal) => api.GET("/v1/vehicles/{vehicle_id}/shares", { ...path(car), signal }),
    {
      enabled,
      fresh: true,
    },
  );
}
