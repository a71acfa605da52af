import { useState } from "react";
import { useLocation } from "react-router";
import { api, type Schemas } from "@/api/client";
import { useUrlPatch } from "@/app/url";
import { Card } from "@/components/Card";
import { Chip, ToggleChip } from "@/components/Chip";
import { Dialog } from "@/components/Dialog";
import { Empty, NothingMatches, Shown } from "@/components/States";
import { Table, usePaged, type Column } from "@/components/table";
import { number, Time } from "@/format";
import styles from "./data.module.css";

type Letter = Schemas["DeadLetter"];

const COLUMNS: Column<Letter>[] = [
  { id: "reason", head: "Reason", width: 170, cell: (letter) => words(letter.reason) },
  {
    id: "at",
    head: "When",
    width: 120,
    from: 560,
    cell: (letter) => (letter.at ? <Time at={letter.at} /> : "–"),
  },
  { id: "vehicle", head: "Vehicle", width: 110, cell: (letter) => letter.vehicle_id || "–" },
  {
    id: "detail",
    head: "What was wrong",
    cell: (letter) => <span title={letter.detail}>{letter.detail}</span>,
  },
  {
    id: "source",
    head: "Where",
    width: 220,
    from: 820,
    cell: (letter) => <span title={letter.source}>{whereOf(letter)}</span>,
  },
];

const words = (reason: string) => reason.replaceAll("_", " ");

function whereOf({ source, row }: Letter): string {
  const name = source.split("/").at(-1) ?? source;
  return row === null ? name : `${name}, row ${number(row)}`;
}

function useAsked() {
  const query = new URLSearchParams(useLocation().search);
  return {
    reason: query.get("reason") ?? "",
    vehicle: query.get("vehicle") ?? "",
    imported: query.get("import") ?? "",
  };
}

/** Rows and messages that could not be used, and why. */
export function DeadLetters() {
  const patch = useUrlPatch();
  const { reason, vehicle, imported } = useAsked();
  const [opened, open] = useState<Letter | null>(null);
  const query = {
    ...(reason && { reason }),
    ...(vehicle && { vehicle_id: vehicle }),
    ...(imported && { import_id: imported }),
  };
  const list = usePaged<Letter, Schemas["DeadLetterPage"]>(["dead-letters", query], (at, signal) =>
    api.GET("/v1/dead-letters", { params: { query: { ...query, ...at } }, signal }),
  );
  const narrow = reason !== "" || vehicle !== "" || imported !== "";
  const clear = () => patch({ reason: null, vehicle: null, import: null }, { push: true });
  return (
    <Card
      title="Dead letters"
      unit={list.data ? `${number(list.total)}, newest first` : undefined}
      className={styles.grow}
      actions={
        <>
          {imported ? (
            <Chip tone="accent" remove={{ label: "Of all imports", run: () => patch({ import: null }) }}>
              one import
            </Chip>
          ) : null}
          {vehicle ? (
            <Chip tone="accent" remove={{ label: "Of all vehicles", run: () => patch({ vehicle: null }) }}>
              {vehicle}
            </Chip>
          ) : null}
          <Reasons
            counts={list.first?.by_reason ?? {}}
            chosen={reason}
            choose={(next) => patch({ reason: next })}
          />
        </>
      }
    >
      <Shown query={list} what="The dead letters could not be loaded">
        {() => {
          if (list.total > 0) {
            return (
              <Table
                label="Dead letters"
                fill
                columns={COLUMNS}
                rows={list.rows}
                total={list.total}
                rowKey={keyOf}
                onOpen={open}
                onReach={list.reach}
              />
            );
          }
          if (narrow) return <NothingMatches title="No dead letter matches" clear={clear} />;
          return <Empty title="No dead letters">Everything that came in could be used.</Empty>;
        }}
      </Shown>
      {opened ? <LetterDialog letter={opened} close={() => open(null)} /> : null}
    </Card>
  );
}

const keyOf = (letter: Letter) =>
  `${letter.source} ${letter.row} ${letter.at} ${letter.reason} ${letter.raw.slice(0, 40)}`;

interface ReasonsProps {
  counts: Record<string, number>;
  chosen: string;
  choose: (reason: string | null) => void;
}

function Reasons({ counts, chosen, choose }: ReasonsProps) {
  const all = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return all.map(([reason, many]) => (
    <ToggleChip key={reason} on={reason === chosen} set={(on) => choose(on ? reason : null)}>
      {words(reason)} {number(many)}
    </ToggleChip>
  ));
}

function LetterDialog({ letter, close }: { letter: Letter; close: () => void }) {
  return (
    <Dialog title={words(letter.reason)} close={close} wide>
      <dl className={styles.facts}>
        <dt>What was wrong</dt>
        <dd>{letter.detail}</dd>
        <dt>What was done</dt>
        <dd>{letter.action}</dd>
        <dt>Where</dt>
        <dd>{whereOf(letter)}</dd>
        {letter.vehicle_id ? (
          <>
            <dt>Vehicle</dt>
            <dd>{letter.vehicle_id}</dd>
          </>
        ) : null}
        {letter.at ? (
          <>
            <dt>When</dt>
            <dd>
              <Time at={letter.at} as="moment" />
            </dd>
          </>
        ) : null}
      </dl>
      <p className="support">As it came:</p>
      <pre className={styles.raw} tabIndex={0} aria-label="As it came">
        {letter.raw}
      </pre>
    </Dialog>
  );
}
