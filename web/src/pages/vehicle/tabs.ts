/** The pages about a vehicle; a role sees those that it may open. */

export type TabId = "overview" | "twin" | "pack" | "alarms" | "maintenance";

export interface Tab {
  id: TabId;
  label: string;
  needs: string;
}

const TABS: readonly Tab[] = [
  { id: "overview", label: "Overview", needs: "vehicle.read" },
  { id: "twin", label: "Twin", needs: "twin.read" },
  { id: "pack", label: "Pack", needs: "vehicle.read" },
  { id: "alarms", label: "Alarms", needs: "alarms.read" },
  { id: "maintenance", label: "Maintenance", needs: "maintenance.read" },
];

export function tabsFor(may: (right: string) => boolean): readonly Tab[] {
  return TABS.filter((tab) => may(tab.needs));
}
