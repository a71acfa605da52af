import { Link } from "react-router";
import { api, useApi, type Schemas } from "@/api/client";
import { useMay } from "@/app/session";
import { Chip, type Tone } from "@/components/Chip";
import { Severity, SEVERITY_NAMES, severity } from "@/components/marks";
import { useDocumentTitle } from "@/components/PageTitle";
import { Failed, Loading, NoAccess } from "@/components/States";
import { Actions } from "./Actions";
import { Cells } from "./Cells";
import { Evidence } from "./Evidence";
import { Figures } from "./Figures";
import { History } from "./History";
import { LifeCycle } from "./LifeCycle";
import { lifeOf } from "./lifecycle";
import { RuleRecord } from "./RuleRecord";
import styles from "./detail.module.css";

type Alarm = Schemas["AlarmDetail"];

const TONES: readonly Tone[] = ["info", "notice", "warning", "critical"];

/** One alarm: what it is, the signals that say so, what was done, and how good its rule has been. */
export function Detail({ alarmId, back }: { alarmId: string; back: string }) {
  const found = useApi(
    ["alarm", alarmId],
    (signal) => api.GET("/v1/alarms/{alarm_id}", { params: { path: { alarm_id: alarmId } }, signal }),
    { fresh: true },
  );
  return (
    <article
      className={styles.detail}
      aria-label="Alarm"
      aria-busy={found.isPending}
      id="alarm"
      tabIndex={-1}
    >
      <Link to={back} className={styles.back}>
        ← All alarms
      </Link>
      {found.data ? (
        <Shown detail={found.data} />
      ) : found.error?.hidden ? (
        <NoAccess to="/alarms" back="Back to the alarms" />
      ) : found.error ? (
        <Failed what="The alarm could not be loaded" error={found.error} retry={() => void found.refetch()} />
      ) : (
        <Loading heights={[24, 16, 40, 330]} />
      )}
    </article>
  );
}

function Shown({ detail }: { detail: Alarm }) {
  const { alarm, evidence } = detail;
  useDocumentTitle(`${alarm.title}, ${alarm.vehicle_id}`);
  const raised = evidence.find((one) => one.change === "raised") ?? evidence[0];
  return (
    <>
      <Heading detail={detail} />
      <LifeCycle steps={lifeOf(detail)} />
      <div className={styles.columns}>
        <div>
          <Evidence alarm={alarm} debounce={detail.debounce_s ?? null} />
        </div>
        <div className={styles.side}>
          <Figures evidence={raised} />
          <Cells vehicleId={alarm.vehicle_id} at={raised?.at ?? alarm.last_at} subject={alarm.subject} />
        </div>
      </div>
      <div className={`${styles.columns} ${styles.below}`}>
        <History alarm={alarm} history={detail.history} may={detail.may} />
        <RuleRecord rule={detail.rule} similar={detail.similar} />
      </div>
    </>
  );
}

/** With a capital, and a full stop. */
function sentence(text: string): string {
  if (text === "") return "";
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

function Heading({ detail }: { detail: Alarm }) {
  const { alarm, condition, about, evidence, may } = detail;
  const vehicle = useMay()("vehicle.read");
  const level = severity(alarm.severity);
  const told = sentence(condition || evidence[0]?.text || "");
  return (
    <header className={styles.header}>
      <div className={styles.title}>
        <Severity code={alarm.severity} size={19} />
        <h2>{alarm.title}</h2>
        <code>{alarm.code}</code>
        <Chip tone={TONES[level] ?? "info"}>{SEVERITY_NAMES[level]}</Chip>
        {alarm.muted_by && <Chip tone="outline">muted</Chip>}
        <div className={styles.actions}>
          <Actions rows={[alarm]} may={may} />
        </div>
      </div>
      <p>
        {vehicle ? (
          <Link to={`/vehicles/${encodeURIComponent(alarm.vehicle_id)}`}>
            <b>{alarm.vehicle_id}</b>
          </Link>
        ) : (
          <b>{alarm.vehicle_id}</b>
        )}
        {alarm.vehicle_label ? ` (${alarm.vehicle_label})` : ""}
        {alarm.subject ? `, ${alarm.subject}` : ""}. {told}
      </p>
      {about && <p className={styles.about}>{about}</p>}
    </header>
  );
}
