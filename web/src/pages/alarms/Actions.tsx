import { useState } from "react";
import { useConnection } from "@/api/connection";
import { useMe } from "@/app/session";
import { Button } from "@/components/Button";
import { Menu } from "@/components/Menu";
import { act } from "./actions";
import { AssignDialog, ClearDialog, SnoozeDialog } from "./dialogs";
import type { Row } from "./filters";
import { snoozes } from "./snoozes";

type Asking = "assign" | "snooze" | "clear" | null;

interface Props {
  rows: readonly Row[];
  may: readonly string[];
  /** Acknowledging is the one filled button, unless another is there. */
  filled?: boolean;
  done?: () => void;
}

/** What can be done about one alarm, or about those that are ticked. */
export function Actions({ rows, may, filled = true, done }: Props) {
  const me = useMe();
  const { up } = useConnection();
  const [asking, setAsking] = useState<Asking>(null);
  const can = (action: string) => may.includes(action);
  const run = (...[action, body]: [Parameters<typeof act>[1], Parameters<typeof act>[2]?]) => {
    setAsking(null);
    void act(rows, action, body).then((all) => all && done?.());
  };
  const sleeping = can("unsnooze");
  return (
    <>
      {can("snooze") && (
        <Menu
          button="Snooze"
          items={[
            ...(sleeping ? [{ label: "Not any longer", run: () => run("unsnooze") }] : []),
            ...snoozes().map(({ label, until }) => ({
              label,
              run: () => run("snooze", { until: until.toISOString() }),
              disabled: !up,
            })),
            { label: "Until…", run: () => setAsking("snooze"), disabled: !up },
          ]}
        />
      )}
      {can("assign") && (
        <Menu
          button="Assign"
          items={[
            { label: "To me", run: () => run("assign", { assignee: me.username }), disabled: !up },
            { label: "To somebody…", run: () => setAsking("assign"), disabled: !up },
            { label: "To nobody", run: () => run("assign", { assignee: "" }), disabled: !up },
          ]}
        />
      )}
      {can("clear") && (
        <Menu
          button="Close"
          items={[{ label: "Close with a reason…", run: () => setAsking("clear"), disabled: !up }]}
        />
      )}
      {can("acknowledge") && (
        <Button kind={filled ? "filled" : "plain"} disabled={!up} onClick={() => run("acknowledge")}>
          Acknowledge
        </Button>
      )}
      {asking === "assign" && <AssignDialog rows={rows} close={() => setAsking(null)} run={run} />}
      {asking === "snooze" && <SnoozeDialog rows={rows} close={() => setAsking(null)} run={run} />}
      {asking === "clear" && <ClearDialog rows={rows} close={() => setAsking(null)} run={run} />}
    </>
  );
}
