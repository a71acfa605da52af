/** Maintenance of one vehicle, as it is read, told and changed. */

import { answered, api, ApiError, queries, useApi, type Schemas } from "@/api/client";
import { toast } from "@/components/Toast";
import { day } from "@/format";

export type Maintenance = Schemas["Maintenance"];
export type Request = Schemas["MaintenanceRequest"];

export const KINDS = ["inspection", "repair", "replacement", "software", "other"] as const;

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

/** The local day, as a field for a date has it. */
export function today(now: Date = new Date()): string {
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

export function addRecord(id: string, body: Request): Promise<Maintenance> {
  const params = { path: { vehicle_id: id } };
  return answered(
    api.POST("/v1/vehicles/{vehicle_id}/maintenance", { params, body }),
  ) as Promise<Maintenance>;
}

export function changeRecord({ record_id, revision }: Maintenance, body: Request): Promise<Maintenance> {
  const params = { path: { record_id } };
  return answered(
    api.PATCH("/v1/maintenance/{record_id}", { params, body: { revision, ...body } }),
  ) as Promise<Maintenance>;
}

/** What of a record a person enters, to enter it again. */
export function enteredOf(record: Maintenance): Request {
  const { kind, status, title, planned_on, done_on, odometer_km, reference, notes } = record;
  return { kind, status, title, planned_on, done_on, odometer_km, reference, notes };
}

/** Changes made with one click: what was done is said, with a way back. */
export function useMaintenanceChanges(id: string) {
  const run = async (work: () => Promise<unknown>, said: string, undo?: () => void): Promise<void> => {
    try {
      await work();
      toast({ text: said, ...(undo && { undo }) });
    } catch (error) {
      toast({ text: error instanceof ApiError ? error.message : "This could not be done", bad: true });
    } finally {
      await queries.invalidateQueries({ queryKey: ["vehicle", id] });
    }
  };
  const back = (record: Maintenance, status: string) => (): void => {
    const undone = { ...enteredOf(record), revision: null };
    void run(() => changeRecord(record, undone), `${record.title}: ${status} again`);
  };
  return {
    finish: (record: Maintenance) =>
      void run(
        () => changeRecord(record, { status: "done", done_on: today() }),
        `${record.title}: done today`,
        // The twin is told of a finished repair, which cannot be taken back.
        ["repair", "replacement"].includes(record.kind) ? undefined : back(record, "planned"),
      ),
    cancel: (record: Maintenance) =>
      void run(
        () => changeRecord(record, { status: "cancelled" }),
        `${record.title}: cancelled`,
        back(record, "planned"),
      ),
    remove: (record: Maintenance) =>
      void run(
        () =>
          answered(
            api.DELETE("/v1/maintenance/{record_id}", { params: { path: { record_id: record.record_id } } }),
          ),
        `${record.title}: removed`,
        () => void run(() => addRecord(id, enteredOf(record)), `${record.title}: entered again`),
      ),
  };
}
