import { useMemo } from "react";
import { Link } from "react-router";
import { api, useApi } from "@/api/client";
import { useMay, usePreferences } from "@/app/session";
import { ChartCard } from "@/charts";
import { Failed, Loading } from "@/components/States";
import { evidenceSpec, unitOf } from "./evidence";
import type { Row } from "./filters";
import styles from "./detail.module.css";

/** The signals 10 minutes to each side of the moment it was confirmed, against their limits. */
export function Evidence({ alarm, debounce }: { alarm: Row; debounce: number | null }) {
  const may = useMay();
  const { distance, temperature } = usePreferences();
  const path = { alarm_id: alarm.alarm_id };
  const signals = useApi(
    ["alarm", alarm.alarm_id, "signals"],
    (signal) => api.GET("/v1/alarms/{alarm_id}/signals", { params: { path }, signal }),
    { staleMs: 60_000 },
  );
  const found = signals.data;
  const spec = useMemo(
    () =>
      found && found.signals.length > 0
        ? evidenceSpec(found, `${alarm.vehicle_id} ${alarm.code}`, debounce, { distance, temperature })
        : null,
    [found, alarm.vehicle_id, alarm.code, debounce, distance, temperature],
  );
  const tab = alarm.subject.startsWith("cell") ? "pack" : "";
  const at = encodeURIComponent(found?.raised_at ?? alarm.raised_at);
  const link = may("vehicle.read") && (
    <Link to={`/vehicles/${encodeURIComponent(alarm.vehicle_id)}${tab ? `/${tab}` : ""}?at=${at}`}>
      {tab ? "Open in Pack" : "Open vehicle"}
    </Link>
  );
  const instead = signals.error ? (
    <Failed
      what="The signals could not be loaded"
      error={signals.error}
      retry={() => void signals.refetch()}
    />
  ) : !found ? (
    <Loading heights={[220, 90]} />
  ) : spec ? null : (
    <p className={styles.note}>{found.note || "No telemetry is kept of this time."}</p>
  );
  return (
    <ChartCard
      className={styles.evidence ?? ""}
      title="Evidence"
      known="measured"
      unit={found && spec ? unitOf(found, { distance, temperature }) : "10 min each side"}
      spec={spec}
      height={spec ? 210 + 120 * (spec.panels.length - 1) : 330}
      legend={false}
      actions={link}
      instead={instead}
    />
  );
}
