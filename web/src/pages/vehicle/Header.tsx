/** The row over all pages of a vehicle: which one it is, what it is, what it does now. It stays while scrolling. */

import { NavLink } from "react-router";

import { usePreferences } from "@/app/session";
import { Chip, type Tone } from "@/components/Chip";
import { formatter, number, Time } from "@/format";
import type { VehicleDetail } from "./data";
import type { Tab } from "./tabs";
import styles from "./vehicle.module.css";

interface Props {
  vehicle: VehicleDetail;
  tabs: readonly Tab[];
}

export function Header({ vehicle, tabs }: Props) {
  const units = formatter(usePreferences());
  const { row } = vehicle;
  return (
    <header className={styles.header}>
      <h1>{row.vehicle_id}</h1>
      <p className={styles.facts}>{factsOf(vehicle, units.distance(row.distance_km)).join(" · ")}</p>
      <Doing vehicle={vehicle} />
      <nav className={styles.tabs} aria-label="About this vehicle">
        {tabs.map((tab) => (
          <NavLink key={tab.id} to={`/vehicles/${encodeURIComponent(row.vehicle_id)}/${tab.id}`}>
            {tab.label}
            {tab.id === "alarms" && <Active vehicle={vehicle} />}
          </NavLink>
        ))}
      </nav>
    </header>
  );
}

/** The facts in one line: what is not known is left out. */
export function factsOf({ row, pack, in_service_since: since }: VehicleDetail, distance: string): string[] {
  const month = since && new Date(since).toLocaleDateString("en-GB", { month: "short", year: "numeric" });
  return [
    ...(row.label ? [row.label] : []),
    pack
      ? `${pack.name} · ${pack.chemistry} ${pack.series}s${pack.parallel}p, ${number(pack.capacity_ah)} Ah`
      : row.pack,
    ...(month ? [`in service ${month.replace("Sept", "Sep")}`] : []),
    ...(row.distance_km === null ? [] : [distance]),
    ...(row.retired ? ["retired"] : []),
  ];
}

const STATES = { driving: "Driving", charging: "Charging", parked: "Parked", unknown: "" } as const;

/** What it does, when it reports; else how old the newest sample is. Nothing old is told as now. */
function Doing({ vehicle: { row, state } }: Pick<Props, "vehicle">) {
  const seen = row.last_seen_at;
  if (seen === null) return <Chip>no sample yet</Chip>;
  const fresh = row.reporting === "reporting";
  const tone: Tone = fresh ? "good" : row.reporting === "late" ? "warning" : "neutral";
  const doing =
    fresh && STATES[state]
      ? `${STATES[state]} · seen`
      : row.reporting === "late"
        ? "late · seen"
        : "last seen";
  return (
    <Chip tone={tone} mark={<i className={fresh ? styles.full : styles.hollow} aria-hidden="true" />}>
      <span>
        {doing} <Time at={seen} />
      </span>
    </Chip>
  );
}

function Active({ vehicle: { row } }: Pick<Props, "vehicle">) {
  const { critical, warning, notice, info } = row.alarms;
  const all = (critical ?? 0) + (warning ?? 0) + (notice ?? 0) + (info ?? 0);
  if (all === 0) return null;
  return (
    <span className={critical ? styles.crit : styles.warn}>
      {" "}
      {all}
      <span className="spoken"> active</span>
    </span>
  );
}
