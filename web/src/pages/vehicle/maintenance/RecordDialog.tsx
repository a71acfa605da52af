/** Entering work, or changing what was entered. */

import { useState, type ReactNode } from "react";

import { ApiError, queries } from "@/api/client";
import { usePreferences } from "@/app/session";
import { Dialog } from "@/components/Dialog";
import { toast } from "@/components/Toast";
import { Choice } from "@/components/Tabs";
import { distanceIn, kmFrom } from "@/format";
import styles from "./maintenance.module.css";
import { addRecord, changeRecord, KINDS, today, type Maintenance, type Request } from "./records";

type Status = "planned" | "done";

const STATUSES = [
  { value: "planned", label: "Planned" },
  { value: "done", label: "Done" },
] as const;

interface Props {
  id: string;
  /** Null for a new one. */
  record: Maintenance | null;
  close: () => void;
}

export function RecordDialog({ id, record, close }: Props) {
  const { distance } = usePreferences();
  const km = record?.odometer_km ?? null;
  const [kind, setKind] = useState(record?.kind ?? "inspection");
  const [title, setTitle] = useState(record?.title ?? "");
  const [status, setStatus] = useState<Status>(record?.status === "done" ? "done" : "planned");
  const [planned, setPlanned] = useState(record?.planned_on ?? "");
  const [done, setDone] = useState(record?.done_on ?? today());
  const [odometer, setOdometer] = useState(km === null ? "" : String(Math.round(distanceIn(km, distance))));
  const [reference, setReference] = useState(record?.reference ?? "");
  const [notes, setNotes] = useState(record?.notes ?? "");
  const [fault, setFault] = useState("");
  const body: Request = {
    kind,
    title: title.trim(),
    status,
    planned_on: planned || null,
    done_on: status === "done" ? done : null,
    odometer_km: odometer === "" ? null : kmFrom(Number(odometer), distance),
    reference,
    notes,
  };
  const run = async (): Promise<void> => {
    try {
      await (record ? changeRecord(record, body) : addRecord(id, body));
      toast({ text: `${body.title}: ${status === "done" ? "entered as done" : "planned"}` });
      close();
    } catch (error) {
      setFault(error instanceof ApiError ? error.message : "It could not be entered");
    } finally {
      void queries.invalidateQueries({ queryKey: ["vehicle", id] });
    }
  };
  const tells = status === "done" && ["repair", "replacement"].includes(kind);
  const label = record ? "Change" : status === "done" ? "Enter as done" : "Plan";
  return (
    <Dialog
      title={record ? "Change maintenance" : `Maintenance of ${id}`}
      close={close}
      act={{ label, run: () => void run(), disabled: body.title === "" }}
    >
      <div>
        <Choice label="Status" value={status} set={setStatus} options={STATUSES} />
      </div>
      <Field label="What">
        <input
          value={title}
          maxLength={200}
          required
          placeholder="Check cell 82 self-discharge"
          onChange={(e) => setTitle(e.target.value)}
        />
      </Field>
      <Field label="Kind">
        <select value={kind} onChange={(e) => setKind(e.target.value)}>
          {KINDS.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </Field>
      {status === "planned" ? (
        <Field label="By">
          <input type="date" value={planned} onChange={(e) => setPlanned(e.target.value)} />
        </Field>
      ) : (
        <Field label="On">
          <input type="date" value={done} max={today()} onChange={(e) => setDone(e.target.value)} />
        </Field>
      )}
      <Field label={`Odometer, ${distance}`}>
        <input type="number" min={0} value={odometer} onChange={(e) => setOdometer(e.target.value)} />
      </Field>
      <Field label="Reference">
        <input value={reference} maxLength={64} onChange={(e) => setReference(e.target.value)} />
      </Field>
      <Field label="Notes">
        <textarea rows={3} value={notes} maxLength={4000} onChange={(e) => setNotes(e.target.value)} />
      </Field>
      {tells && (
        <p className="support">The twin is told: what it learned of the cells begins anew after this work.</p>
      )}
      {fault && (
        <p role="alert" className={styles.fault}>
          {fault}
        </p>
      )}
    </Dialog>
  );
}

function Field({ label, children }: { label: string; children: ReactNode }) {
  return (
    <label className={styles.field}>
      <span>{label}</span>
      {children}
    </label>
  );
}
