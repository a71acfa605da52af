// What the rail shows: a role sees only what it may open.
import type { IconName } from "@/components/Icon";
import type { Me } from "./session";

export interface Entry {
  readonly to: string;
  readonly label: string;
  readonly icon: IconName;
  /** The second key after `g`. */
  readonly key?: string;
}

const OWNER: readonly Entry[] = [
  { to: "/owner/health", label: "Health", icon: "battery" },
  { to: "/owner/charging", label: "Charging", icon: "bolt" },
  { to: "/owner/trips", label: "Trips", icon: "car" },
  { to: "/owner/sharing", label: "Sharing", icon: "share" },
];

/** Each is there for who has any of the rights. */
const WORK: readonly (Entry & { needs: readonly string[] })[] = [
  { to: "/fleet", label: "Fleet", icon: "fleet", key: "f", needs: ["vehicle.find"] },
  { to: "/alarms", label: "Alarms", icon: "bell", key: "a", needs: ["alarms.read"] },
  { to: "/data", label: "Data", icon: "data", key: "d", needs: ["data.read", "query"] },
];

export const SETTINGS: Entry = { to: "/settings", label: "Settings", icon: "settings", key: "s" };

export function entries(me: Pick<Me, "role" | "may">): readonly Entry[] {
  return me.role === "owner"
    ? OWNER
    : WORK.filter(({ needs }) => needs.some((right) => me.may.includes(right)));
}

/** Where one begins. */
export function home(me: Pick<Me, "role" | "may">): string {
  return entries(me)[0]?.to ?? SETTINGS.to;
}
