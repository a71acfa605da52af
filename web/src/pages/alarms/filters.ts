// What of the inbox is shown, as the address has it, and how the API is asked for it.
import type { paths } from "@/api/types";
import type { Me } from "@/app/session";
import type { Schemas } from "@/api/client";

export type Row = Schemas["AlarmRow"];
export type View = "active" | "mine" | "snoozed" | "closed";
export type Query = NonNullable<paths["/v1/alarms"]["get"]["parameters"]["query"]>;

export const VIEWS: readonly View[] = ["active", "mine", "snoozed", "closed"];

export interface Filters {
  readonly view: View;
  readonly severities: readonly number[];
  readonly code: string;
  readonly vehicle: string;
  /** Findings that can wait until somebody has time, too. */
  readonly watch: boolean;
}

/** What the address says; what it says wrongly is left out. */
export function filtersOf(search: string): Filters {
  const query = new URLSearchParams(search);
  const view = query.get("view") as View;
  const severities = (query.get("severity") ?? "").split(",").filter((one) => /^[0-3]$/.test(one));
  return {
    view: VIEWS.includes(view) ? view : "active",
    severities: severities.map(Number),
    code: query.get("code") ?? "",
    vehicle: query.get("vehicle") ?? "",
    watch: query.get("watch") === "1",
  };
}

/** Whether anything is left out beyond the view itself. */
export function narrowed({ severities, code, vehicle }: Filters): boolean {
  return severities.length > 0 || code !== "" || vehicle !== "";
}

const OF_VIEW: Readonly<Record<View, (me: Pick<Me, "username">) => Query>> = {
  active: () => ({ state: ["active", "acknowledged"], snoozed: false }),
  mine: (me) => ({ state: ["active", "acknowledged"], snoozed: false, assignee: me.username }),
  snoozed: () => ({ state: ["active", "acknowledged"], snoozed: true }),
  closed: () => ({ state: ["cleared"] }),
};

export function queryOf(filters: Filters, me: Pick<Me, "username">): Query {
  const query: Query = { ...OF_VIEW[filters.view](me) };
  if (!filters.watch) query.level = "alarm";
  if (filters.severities.length > 0) query.severity = [...filters.severities];
  if (filters.code) query.code = filters.code;
  if (filters.vehicle) query.vehicle_id = filters.vehicle;
  return query;
}
