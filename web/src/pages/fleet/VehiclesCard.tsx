import { useEffect, useMemo, useState, type ReactNode } from "react";
import { useUrlPatch } from "@/app/url";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { Chip } from "@/components/Chip";
import { Failed, Loading, NothingMatches } from "@/components/States";
import { Table, type Column } from "@/components/table";
import { number, type Formatter } from "@/format";
import { NARROWING, narrowed, orderText, type Filters, type Narrowed } from "./filters";
import styles from "./fleet.module.css";
import type { useVehicles, VehicleRow } from "./read";

interface Props {
  filters: Filters;
  format: Formatter;
  list: ReturnType<typeof useVehicles>;
  /** How many vehicles there are without the filters; null when that is not known. */
  all: number | null;
  columns: readonly Column<VehicleRow>[];
  /** How many changes wait to be shown, and how they are. */
  waiting: number;
  show: () => void;
  actions: ReactNode;
}

/** The vehicles that match, worst first, as many as there are. */
export function VehiclesCard({ filters, format, list, all, columns, waiting, show, actions }: Props) {
  const patch = useUrlPatch();
  const chips = narrowed(filters, format);
  const remove = (names: readonly string[]) =>
    patch(Object.fromEntries(names.map((name) => [name, null])), { push: true });
  const there = list.data !== undefined;
  return (
    <Card
      title="Vehicles"
      className={styles.vehicles}
      unit={
        there ? (
          <Said total={list.total} all={all} narrowed={chips.length > 0} filters={filters} />
        ) : undefined
      }
      actions={
        <>
          {waiting > 0 ? (
            <Button small onClick={show}>
              {waiting} new
            </Button>
          ) : null}
          <Chips chips={chips} remove={remove} />
          <Find q={filters.q} set={(q) => patch({ q })} />
          {actions}
        </>
      }
    >
      <div className={styles.list}>{content()}</div>
    </Card>
  );

  function content(): ReactNode {
    if (!there) {
      if (list.error)
        return (
          <Failed
            what="The vehicles could not be loaded"
            error={list.error}
            retry={() => void list.refetch()}
          />
        );
      return <Loading heights={[14, 32, 32, 32, 32, 32]} label="Loading the vehicles" />;
    }
    if (list.total === 0) {
      const title = all === null ? "No vehicle matches" : `0 of ${number(all)} match`;
      return <NothingMatches title={title} nearest={list.nearest} clear={() => remove(NARROWING)} />;
    }
    return (
      <Table
        label="Vehicles"
        fill
        columns={columns}
        rows={list.rows}
        total={list.total}
        rowKey={(row) => row.vehicle_id}
        sort={filters.sort}
        onSort={(sort) => patch({ sort })}
        href={pathOf}
        onReach={list.reach}
      />
    );
  }
}

const pathOf = (row: VehicleRow) => `/vehicles/${encodeURIComponent(row.vehicle_id)}`;

function Said({
  total,
  all,
  narrowed,
  filters,
}: {
  total: number;
  all: number | null;
  narrowed: boolean;
  filters: Filters;
}) {
  const many = narrowed && all !== null ? `${number(total)} of ${number(all)}` : number(total);
  return (
    <span aria-live="polite">
      {many} · {orderText(filters.sort)}
    </span>
  );
}

function Chips({
  chips,
  remove,
}: {
  chips: readonly Narrowed[];
  remove: (names: readonly string[]) => void;
}) {
  return chips.map(({ key, text, names }) => (
    <Chip key={key} tone="accent" remove={{ label: `Take off: ${text}`, run: () => remove(names) }}>
      {text}
    </Chip>
  ));
}

const PAUSE_MS = 250;

/** Part of a name; the list follows when one has stopped writing. */
function Find({ q, set }: { q: string; set: (q: string) => void }) {
  const [text, setText] = useState(q);
  const newest = useMemo(() => ({ set }), [set]);
  useEffect(() => setText(q), [q]);
  useEffect(() => {
    if (text === q) return;
    const timer = setTimeout(() => newest.set(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, q, newest]);
  return (
    <input
      type="search"
      className={styles.find}
      placeholder="Find in the list"
      aria-label="Find in the list by name"
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  );
}
