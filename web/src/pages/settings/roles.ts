/** Roles and rights in words. */

import type { Schemas } from "@/api/client";

export type RoleName = Schemas["Me"]["role"];

export const ROLE_WORDS: Record<RoleName, string> = {
  admin: "Admin: everything, of all fleets",
  operator: "Operator: own fleets, with roll-back and owners' grants",
  analyst: "Analyst: reads own fleets, asks in SQL",
  technician: "Technician: alarms and maintenance of own fleets",
  owner: "Owner: own vehicles, by a grant",
  device: "Device: own telemetry",
};

const options = (roles: readonly RoleName[]) => roles.map((value) => ({ value, label: ROLE_WORDS[value] }));

/** Roles of people. */
export const PEOPLE = options(["operator", "analyst", "technician", "owner", "admin"]);
/** Roles of machines that ask with a key. */
export const MACHINES = options(["analyst", "operator", "technician", "admin"]);

/** Whether fleets say what a role may see. */
export function hasFleets(role: RoleName): boolean {
  return role === "operator" || role === "analyst" || role === "technician";
}

/** What a key may be bounded to. */
export const SCOPES = [
  { value: "vehicle.find", label: "find vehicles" },
  { value: "fleet.read", label: "fleet figures" },
  { value: "vehicle.read", label: "vehicles" },
  { value: "telemetry.read", label: "telemetry" },
  { value: "twin.read", label: "twins" },
  { value: "alarms.read", label: "alarms" },
  { value: "alarms.act", label: "act on alarms" },
  { value: "maintenance.read", label: "maintenance" },
  { value: "maintenance.write", label: "enter maintenance" },
  { value: "data.read", label: "ingest" },
  { value: "query", label: "SQL" },
] as const;
