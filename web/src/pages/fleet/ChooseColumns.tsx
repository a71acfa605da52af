import { useMemo, useState } from "react";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Checks } from "@/components/Fields";
import type { Column } from "@/components/table";
import type { VehicleRow } from "./read";

const KEPT_AS = "twinpack.fleet.columns";

function kept(): string[] {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(KEPT_AS) ?? "[]");
    return Array.isArray(read) ? read.filter((id) => typeof id === "string") : [];
  } catch {
    return [];
  }
}

/** A column with a heading of its own, which can be left out. */
const isOptional = <Row,>(column: Column<Row>, at: number) => at > 0 && !column.joined && column.head !== "";

/** What stands under one heading: a column and those joined to it. */
function left<Row>(columns: readonly Column<Row>[], hidden: readonly string[]): Column<Row>[] {
  let gone = false;
  // From the end: a joined column goes with the one that follows it.
  return columns
    .toReversed()
    .filter((column) => {
      if (!column.joined) gone = hidden.includes(column.id);
      return !gone;
    })
    .toReversed();
}

/** The columns that are wanted, kept in this browser, and the button that chooses them. A file has all of them. */
export function useChosenColumns(all: readonly Column<VehicleRow>[]) {
  const [hidden, setHidden] = useState(kept);
  const put = (ids: string[]) => {
    localStorage.setItem(KEPT_AS, JSON.stringify(ids));
    setHidden(ids);
  };
  const columns = useMemo(() => left(all, hidden), [all, hidden]);
  return { columns, button: <ColumnsButton all={all} hidden={hidden} put={put} /> };
}

interface Props {
  all: readonly Column<VehicleRow>[];
  hidden: readonly string[];
  put: (ids: string[]) => void;
}

function ColumnsButton({ all, hidden, put }: Props) {
  const [open, setOpen] = useState(false);
  const options = all.filter(isOptional).map(({ id, head }) => ({ value: id, label: head }));
  const shown = options.map(({ value }) => value).filter((id) => !hidden.includes(id));
  return (
    <>
      <Button small onClick={() => setOpen(true)}>
        Columns
      </Button>
      {open ? (
        <Dialog title="Columns of the list" close={() => setOpen(false)}>
          <Checks
            label="Show"
            values={shown}
            set={(ids) => put(options.map(({ value }) => value).filter((id) => !ids.includes(id)))}
            options={options}
            hint="Columns that do not fit the screen are left out by themselves; a CSV file has all."
          />
        </Dialog>
      ) : null}
    </>
  );
}
