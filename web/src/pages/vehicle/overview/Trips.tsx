/** Drives and charges, newest first, each with how well the twin told its voltage. */

import { useMemo } from "react";

import { api, type Schemas } from "@/api/client";
import { usePreferences } from "@/app/session";
import { useUrlState } from "@/app/url";
import { Card } from "@/components/Card";
import { Shown } from "@/components/States";
import { Choice } from "@/components/Tabs";
import { Table, usePaged, type Column } from "@/components/table";
import { formatter, number, per100In, stretch, utc } from "@/format";
import { when } from "@/pages/alarms/when";
import type { Trip, VehicleDetail } from "../data";
import styles from "./overview.module.css";

type TripPage = Schemas["TripPage"];
type Kind = "all" | "driving" | "charging";

const PIECES = { first: 100, more: 100 };
const KINDS = [
  { value: "driving", label: "Drives" },
  { value: "charging", label: "Charges" },
  { value: "all", label: "All" },
] as const;

export function Trips({ vehicle }: { vehicle: VehicleDetail }) {
  const id = vehicle.row.vehicle_id;
  const [kind, setKind] = useUrlState<Kind>("kind", "driving");
  const list = useTrips(id, kind);
  const units = formatter(usePreferences());
  const columns = useMemo(() => columnsOf(units), [units.distanceUnit, units.temperatureUnit]);
  return (
    <Card
      title="Trips"
      unit={list.data && !list.isPlaceholderData && `${number(list.total)} ${NAMES[kind]}`}
      actions={<Choice label="Kind of trips" value={kind} set={setKind} options={KINDS} small />}
      flush
      className={styles.trips}
    >
      <Shown query={list} what="The trips could not be loaded" heights={[200]}>
        {() =>
          list.rows.length === 0 ? (
            <p className={`support ${styles.none}`}>
              No trip yet. A drive or a charge becomes one when it ends.
            </p>
          ) : (
            <Table
              label="Trips"
              columns={columns}
              rows={list.rows}
              total={list.total}
              rowKey={(trip) => String(trip.number)}
              href={(trip) => `/vehicles/${encodeURIComponent(id)}/twin?trip=${trip.number}`}
              onReach={list.reach}
              fill
            />
          )
        }
      </Shown>
    </Card>
  );
}

function useTrips(id: string, kind: Kind) {
  return usePaged<Trip, TripPage>(
    ["vehicle", id, "trips", kind],
    (at, signal) =>
      api.GET("/v1/vehicles/{vehicle_id}/trips", {
        params: { path: { vehicle_id: id }, query: { ...at, ...(kind !== "all" && { kind }) } },
        signal,
      }),
    PIECES,
  );
}

const NAMES: Record<Kind, string> = { all: "trips", driving: "drives", charging: "charges" };
const WORDS: Record<Trip["kind"], string> = { driving: "", charging: "charge", resting: "rest" };

/** As the twin's page marks it. */
function Updated() {
  return (
    <span className={styles.updated} title="An update was accepted after this trip">
      <span aria-hidden="true">▲ </span>
      <span className="spoken">updated, </span>
    </span>
  );
}

function columnsOf(units: ReturnType<typeof formatter>): Column<Trip>[] {
  const length = ({ start, end }: Trip): number => (Date.parse(end) - Date.parse(start)) / 1000;
  const use = ({ kwh_per_100km: kwh }: Trip): number | null =>
    kwh === null ? null : per100In(kwh, units.distanceUnit);
  return [
    {
      id: "start",
      head: "Start",
      cell: (trip) => <span title={utc(trip.start)}>{when(trip.start)}</span>,
      csv: (trip) => trip.start,
    },
    { id: "time", head: "Time", align: "end", width: 84, cell: (trip) => stretch(length(trip)) },
    {
      id: "distance",
      head: units.distanceUnit,
      align: "end",
      width: 52,
      from: 330,
      cell: (trip) => (trip.kind === "driving" ? units.distanceValue(trip.distance_km, 1) : WORDS[trip.kind]),
    },
    {
      id: "use",
      head: `kWh/100`,
      align: "end",
      width: 66,
      from: 380,
      cell: (trip) => (use(trip) === null ? "" : number(use(trip), 1)),
    },
    {
      id: "error",
      head: "Twin error, V",
      align: "end",
      width: 88,
      cell: (trip) => (
        <>
          {trip.decision === "accepted" && trip.version !== null && <Updated />}
          {trip.updated_rmse_v === null ? (
            <span className="support">not scored</span>
          ) : (
            number(trip.updated_rmse_v, 2)
          )}
        </>
      ),
    },
  ];
}
