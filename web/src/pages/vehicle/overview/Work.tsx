/** What the workshop has to do and has done: the next few, and the way to all of it. */

import { Link } from "react-router";

import { Card } from "@/components/Card";
import { Icon } from "@/components/Icon";
import { Shown } from "@/components/States";
import type { VehicleDetail } from "../data";
import { useMaintenance, whenText } from "../maintenance/records";
import styles from "./overview.module.css";

const SHOWN = 3;

export function Work({ vehicle }: { vehicle: VehicleDetail }) {
  const id = vehicle.row.vehicle_id;
  const query = useMaintenance(id);
  return (
    <Card
      title="Maintenance"
      actions={<Link to={`/vehicles/${encodeURIComponent(id)}/maintenance`}>All and plan</Link>}
    >
      <Shown query={query} what="The maintenance could not be loaded" heights={[60]}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="support">Nothing planned and nothing done yet.</p>
          ) : (
            <ul className={styles.work}>
              {items.slice(0, SHOWN).map((record) => (
                <li key={record.record_id}>
                  <Icon name={record.status === "done" ? "check" : "wrench"} size={16} />
                  <div>
                    <p>{record.title || record.kind}</p>
                    <p className="axis">{[record.status, record.notes].filter(Boolean).join(" · ")}</p>
                  </div>
                  <span className="support">{whenText(record)}</span>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </Card>
  );
}
