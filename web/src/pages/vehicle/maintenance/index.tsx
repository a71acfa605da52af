/** Maintenance: what is planned, what was done; entered, changed and taken out by those who may. */

import { useState } from "react";

import { useMay, usePreferences } from "@/app/session";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { Chip } from "@/components/Chip";
import { Icon } from "@/components/Icon";
import { Menu } from "@/components/Menu";
import { Empty, Shown } from "@/components/States";
import { formatter, number, Time } from "@/format";
import type { TabProps } from "..";
import styles from "./maintenance.module.css";
import { RecordDialog } from "./RecordDialog";
import { useMaintenance, useMaintenanceChanges, whenText, type Maintenance } from "./records";

export default function MaintenanceTab({ vehicle }: TabProps) {
  const id = vehicle.row.vehicle_id;
  const may = useMay()("maintenance.write");
  const query = useMaintenance(id);
  const [open, setOpen] = useState<Maintenance | "new" | null>(null);
  const planned = query.data?.items.filter((record) => record.status === "planned").length ?? 0;
  const enter = may && (
    <Button kind="filled" icon="plus" onClick={() => setOpen("new")}>
      Plan or enter work
    </Button>
  );
  return (
    <Card
      title="Maintenance"
      unit={query.data && `${number(planned)} planned, ${number(query.data.page.total)} in all`}
      actions={enter}
      className={styles.card}
    >
      <Shown query={query} what="The maintenance could not be loaded" heights={[200]}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing planned and nothing done yet">
              Work that is entered here stands beside the signals and the alarms; a finished repair is told to
              the twin.
            </Empty>
          ) : (
            <ul className={styles.list}>
              {items.map((record) => (
                <Entry
                  key={record.record_id}
                  id={id}
                  record={record}
                  may={may}
                  edit={() => setOpen(record)}
                />
              ))}
            </ul>
          )
        }
      </Shown>
      {open !== null && (
        <RecordDialog id={id} record={open === "new" ? null : open} close={() => setOpen(null)} />
      )}
    </Card>
  );
}

interface EntryProps {
  id: string;
  record: Maintenance;
  may: boolean;
  edit: () => void;
}

function Entry({ id, record, may, edit }: EntryProps) {
  const units = formatter(usePreferences());
  const changes = useMaintenanceChanges(id);
  const facts = [
    record.kind,
    record.odometer_km === null ? "" : `at ${units.distance(record.odometer_km)}`,
    record.reference,
    record.who && `by ${record.who}`,
  ].filter(Boolean);
  const items = [
    ...(record.status === "planned"
      ? [{ label: "Mark as done today", run: () => changes.finish(record) }]
      : []),
    { label: "Change…", run: edit },
    ...(record.status === "planned" ? [{ label: "Cancel the plan", run: () => changes.cancel(record) }] : []),
    { label: "Remove", danger: true, run: () => changes.remove(record) },
  ];
  return (
    <li className={styles.entry} data-status={record.status}>
      <span className={styles.sign} aria-hidden="true">
        <Icon
          name={record.status === "done" ? "check" : record.status === "cancelled" ? "close" : "wrench"}
          size={15}
        />
      </span>
      <div className={styles.text}>
        <p className={styles.title}>
          {record.title || record.kind}
          <Chip tone={record.status === "planned" ? "accent" : "neutral"}>{record.status}</Chip>
        </p>
        <p className="support">{facts.join(" · ")}</p>
        {record.notes && <p className={styles.notes}>{record.notes}</p>}
      </div>
      <div className={styles.when}>
        <p>{whenText(record)}</p>
        <p className="axis">
          entered <Time at={record.entered_at} as="day" />
        </p>
      </div>
      {may && (
        <Menu button={<Icon name="more" />} label={`${record.title || record.kind}: more`} items={items} />
      )}
    </li>
  );
}
