import { Provenance, Reporting, WorstAlarm } from "@/components/marks";
import type { Column } from "@/components/table";
import { number, signed, type Formatter } from "@/format";
import { DeviationBar, IntervalBar, Spark } from "./figures";
import styles from "./fleet.module.css";
import type { VehicleRow } from "./read";

/** What is shown to each side of a figure, in standard deviations. */
const HALF = 2;

export interface Scale {
  low: number;
  high: number;
}

/** One scale for the deviations of all rows: what the fleet spans, at least 2 points to each side. */
export function deviationScale(deviations: readonly (number | null)[]): Scale {
  let low = -2;
  let high = 2;
  for (const value of deviations) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return { low, high };
}

const unknown = <span className={styles.unknown}>not known yet</span>;

const vehicle: Column<VehicleRow> = {
  id: "vehicle",
  head: "Vehicle",
  width: 104,
  sort: "vehicle_id",
  cell: (row) => row.label || row.vehicle_id,
  csv: (row) => row.vehicle_id,
  csvHead: "vehicle_id",
};
const model: Column<VehicleRow> = {
  id: "model",
  head: "Model",
  width: 128,
  from: 420,
  cell: (row) => <span className={styles.second}>{row.pack}</span>,
  csv: (row) => row.pack,
  csvHead: "pack",
};
const fleet: Column<VehicleRow> = {
  id: "fleet",
  head: "Fleet",
  width: 96,
  from: 1380,
  cell: (row) => <span className={styles.second}>{row.fleet}</span>,
  csv: (row) => row.fleet,
  csvHead: "fleet",
};
const alarms: Column<VehicleRow> = {
  id: "alarms",
  head: "Alarms",
  width: 66,
  from: 290,
  sort: "alarms",
  first: "down",
  cell: (row) => <WorstAlarm counts={row.alarms} />,
  csv: (row) =>
    (row.alarms.critical ?? 0) +
    (row.alarms.warning ?? 0) +
    (row.alarms.notice ?? 0) +
    (row.alarms.info ?? 0),
  csvHead: "active_alarms",
};
const seen: Column<VehicleRow> = {
  id: "seen",
  head: "Last seen",
  width: 132,
  from: 620,
  sort: "last_seen_at",
  first: "down",
  cell: (row) => <Reporting state={row.reporting} at={row.last_seen_at} />,
  csv: (row) => row.last_seen_at,
  csvHead: "last_seen_at_utc",
};
const onlyCsv: Column<VehicleRow>[] = [
  {
    id: "state",
    head: "",
    from: Infinity,
    cell: () => null,
    csv: (row) => row.reporting,
    csvHead: "reporting",
  },
  {
    id: "overdue",
    head: "",
    from: Infinity,
    cell: () => null,
    csv: (row) => row.overdue,
    csvHead: "twin_overdue",
  },
];

const age: Column<VehicleRow> = {
  id: "age",
  head: "Age, years",
  width: 82,
  align: "end",
  from: 1240,
  sort: "age_years",
  first: "down",
  cell: (row) => number(row.age_years, 1),
  csv: (row) => row.age_years,
  csvHead: "age_years",
};

function distance(format: Formatter): Column<VehicleRow> {
  return {
    id: "distance",
    head: `Distance, ${format.distanceUnit}`,
    width: 108,
    align: "end",
    from: 760,
    sort: "distance_km",
    first: "down",
    cell: (row) => format.distanceValue(row.distance_km),
    csv: (row) => row.distance_km,
    csvHead: "distance_km",
  };
}

const bar: Column<VehicleRow> = {
  id: "bar",
  head: "",
  joined: true,
  width: 122,
  from: 900,
  cell: (row) =>
    row.health_pct === null ? null : <IntervalBar value={row.health_pct} sd={row.health_sd_pct ?? null} />,
};
const health: Column<VehicleRow> = {
  id: "health",
  head: "Health, %, ±2σ",
  mark: "estimated",
  width: 110,
  align: "end",
  sort: "health_pct",
  cell: (row) =>
    row.health_pct === null ? (
      unknown
    ) : (
      <>
        <b>{number(row.health_pct, 1)}</b>
        {row.health_sd_pct == null ? null : (
          <span className={styles.half}> ±{number(row.health_sd_pct * HALF, 1)}</span>
        )}
      </>
    ),
  csv: (row) => row.health_pct,
  csvHead: "capacity_health_pct",
};
const sd: Column<VehicleRow> = {
  id: "sd",
  head: "",
  from: Infinity,
  cell: () => null,
  csv: (row) => row.health_sd_pct,
  csvHead: "capacity_health_sd_pct",
};

function deviation(scale: Scale): Column<VehicleRow>[] {
  return [
    {
      id: "deviationBar",
      head: "",
      joined: true,
      width: 70,
      from: 1040,
      cell: (row) =>
        row.deviation_pts === null ? null : <DeviationBar value={row.deviation_pts} {...scale} />,
    },
    {
      id: "deviation",
      head: "Deviation, pts",
      mark: "estimated",
      width: 108,
      align: "end",
      from: 480,
      sort: "deviation_pts",
      cell: (row) => (row.deviation_pts === null ? "–" : <b>{signed(row.deviation_pts, 1)}</b>),
      csv: (row) => row.deviation_pts,
      csvHead: "deviation_pts",
    },
  ];
}

const months: Column<VehicleRow> = {
  id: "months",
  head: "12 months",
  width: 112,
  from: 1120,
  cell: (row) => <Spark values={row.trend_pct} />,
};
const resistance: Column<VehicleRow> = {
  id: "resistance",
  head: "Resistance, × new",
  mark: "estimated",
  width: 132,
  align: "end",
  from: 840,
  sort: "resistance_x",
  first: "down",
  cell: (row) => number(row.resistance_x, 2),
  csv: (row) => row.resistance_x,
  csvHead: "resistance_x",
};
const charge: Column<VehicleRow> = {
  id: "charge",
  head: "Charge, %",
  mark: "estimated",
  width: 92,
  align: "end",
  from: 1300,
  cell: (row) => number(row.soc_pct, 0),
  csv: (row) => row.soc_pct,
  csvHead: "soc_pct",
};

/** The columns of those who may see figures. */
export function figureColumns(format: Formatter, scale: Scale): Column<VehicleRow>[] {
  return [
    vehicle,
    model,
    fleet,
    distance(format),
    age,
    bar,
    health,
    sd,
    ...deviation(scale),
    months,
    resistance,
    charge,
    alarms,
    seen,
    ...onlyCsv,
  ];
}

/** The columns of those who may only find a vehicle. */
export function findColumns(mayAlarms: boolean): Column<VehicleRow>[] {
  const all = [
    vehicle,
    model,
    { ...fleet, from: 760 },
    ...(mayAlarms ? [alarms] : []),
    { ...seen, from: 300 },
  ];
  return all.map((column) => ({ ...column, width: 0 }));
}

/** What the marks of the headings say. */
export function Legend() {
  return (
    <span className={styles.legend}>
      <Provenance of="measured" word />
      <Provenance of="estimated" word />
    </span>
  );
}
