/** Maintenance of one vehicle, as it is read and told. */

import { api, useApi, type Schemas } from "@/api/client";
import { day } from "@/format";

export type Maintenance = Schemas["Maintenance"];

export function useMaintenance(id: string) {
  return useApi(
    ["vehicle", id, "maintenance"],
    (signal) => api.GET("/v1/maintenance", { params: { query: { vehicle_id: id, limit: 200 } }, signal }),
    { fresh: true },
  );
}

/** When it was done, or is to be done. */
export function whenText({ status, done_on: done, planned_on: planned }: Maintenance): string {
  if (status === "done") return done ? day(done) : "done";
  if (status === "cancelled") return "cancelled";
  return planned ? `by ${day(planned)}` : "not dated";
}
