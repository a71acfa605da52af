/** What the page reads: the summary, the dots of the scatter, and the list a piece at a time. */

import { api, useApi, type Schemas } from "@/api/client";
import { useMay, useMe } from "@/app/session";
import { allOf, usePaged, type Piece } from "@/components/table";
import { queryOf, type Filters } from "./filters";

export type VehicleRow = Schemas["VehicleRow"];
export type Summary = Schemas["FleetSummary"];
export type Scatter = Schemas["Scatter"];
type VehiclePage = Schemas["VehiclePage"];

const SUMMARY_MS = 30_000;
const SCATTER_MS = 5 * 60_000;
/** Most of the fleet is here after a few pieces so long. */
const MORE = 1000;

const part = ({ fleet, pack }: Filters) => ({ ...(fleet && { fleet }), ...(pack && { pack }) });

/** Names of the fleets that may be seen. */
export function useFleetNames(): readonly string[] {
  const me = useMe();
  // Who sees no figures of fleets is told of the own ones alone.
  const enabled = useMay()("fleet.read");
  const fleets = useApi(["fleets"], (signal) => api.GET("/v1/fleets", { signal }), {
    staleMs: SCATTER_MS,
    enabled,
  });
  return enabled ? (fleets.data?.items.map(({ name }) => name) ?? []) : me.fleets;
}

export function useSummary(filters: Filters, enabled: boolean) {
  const query = part(filters);
  return useApi(
    ["fleet", "summary", query],
    (signal) => api.GET("/v1/fleet/summary", { params: { query }, signal }),
    {
      enabled,
      everyMs: SUMMARY_MS,
    },
  );
}

export function useScatter(filters: Filters, enabled: boolean) {
  const query = part(filters);
  return useApi(
    ["fleet", "scatter", query],
    (signal) => api.GET("/v1/fleet/scatter", { params: { query }, signal }),
    {
      enabled,
      everyMs: SCATTER_MS,
      staleMs: SUMMARY_MS,
    },
  );
}

function ask(filters: Filters) {
  const asked = queryOf(filters);
  return (at: Piece, signal: AbortSignal) =>
    api.GET("/v1/vehicles", { params: { query: { ...asked, ...at } }, signal });
}

/** The vehicles that match, as far as the list has been scrolled. */
export function useVehicles(filters: Filters) {
  const list = usePaged<VehicleRow, VehiclePage>(["vehicles", queryOf(filters)], ask(filters), {
    more: MORE,
  });
  return { ...list, nearest: list.first?.nearest ?? "" };
}

/** All vehicles that match, for a file. */
export async function allVehicles(filters: Filters): Promise<VehicleRow[]> {
  return allOf<VehicleRow>(ask(filters), MORE);
}
