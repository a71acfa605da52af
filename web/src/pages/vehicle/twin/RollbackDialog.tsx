/** Going back to an earlier version: what it would do is said before, and it becomes a version of its own. */

import { useState } from "react";

import { api, useChange } from "@/api/client";
import { Dialog } from "@/components/Dialog";
import { Shown } from "@/components/States";
import { toast } from "@/components/Toast";
import { number } from "@/format";
import type { Schemas } from "@/api/client";
import type { Twin, Version } from "../data";
import { useRollbackPreview } from "./data";
import styles from "./twin.module.css";

interface Props {
  id: string;
  twin: Twin;
  versions: readonly Version[];
  close: () => void;
}

/** Versions that one can go back to: those that were once deployed, but not the one that is. */
export function targets(versions: readonly Version[]): Version[] {
  return versions.filter((version) => !version.deployed && version.kind !== "refused");
}

export function RollbackDialog({ id, twin, versions, close }: Props) {
  const open = targets(versions);
  const [chosen, setChosen] = useState<number | null>(null);
  const [reason, setReason] = useState("");
  const to = chosen ?? open[0]?.number ?? null;
  const preview = useRollbackPreview(id, to);
  const order = useChange(
    (body: Schemas["RollbackRequest"]) =>
      api.POST("/v1/vehicles/{vehicle_id}/rollback", { params: { path: { vehicle_id: id } }, body }),
    [["vehicle", id]],
  );
  const run = (): void => {
    if (to === null) return;
    order.mutate(
      { to_version: to, reason },
      {
        onSuccess: ({ done }) => {
          toast({
            text: done
              ? `Rolled back to v${to}`
              : `Roll-back to v${to} ordered; it is done when the log is folded`,
          });
          close();
        },
      },
    );
  };
  const allowed = preview.data?.allowed === true && !preview.isPlaceholderData;
  const act = { label: `Roll back to v${to}`, run, disabled: !allowed || order.isPending };
  return (
    <Dialog
      title={to === null ? `Roll ${id} back` : `Roll ${id} back to v${to}?`}
      close={close}
      {...(to !== null && { act })}
    >
      {to === null ? (
        <p>There is no earlier version to go back to.</p>
      ) : (
        <>
          <div className={styles.pick}>
            <label>
              To
              <select value={to} onChange={(event) => setChosen(Number(event.target.value))}>
                {open.map((version) => (
                  <option key={version.number} value={version.number}>
                    v{version.number}, {version.kind}
                  </option>
                ))}
              </select>
            </label>
          </div>
          <Shown query={preview} what="What it would do could not be found" heights={[40]}>
            {(shown) => <Effect shown={shown} deployed={twin.deployed_version} />}
          </Shown>
          <label className={styles.reason}>
            Reason
            <input
              value={reason}
              maxLength={500}
              placeholder="sensor swap on 11 Nov"
              onChange={(event) => setReason(event.target.value)}
            />
          </label>
          {order.error && (
            <p role="alert" className={styles.alert}>
              {order.error.message}
            </p>
          )}
        </>
      )}
    </Dialog>
  );
}

function Effect({ shown, deployed }: { shown: Schemas["RollbackPreview"]; deployed: number | null }) {
  if (!shown.allowed) return <p role="status">{shown.why_not || "This cannot be done."}</p>;
  return (
    <p role="status">
      A new version {shown.new_version} is written with the parameters of v{shown.to_version}; v{deployed}{" "}
      stays in the history. Error when last judged: {number(shown.rmse_now_v, 2)} →{" "}
      {number(shown.rmse_then_v, 2)} V.
    </p>
  );
}
