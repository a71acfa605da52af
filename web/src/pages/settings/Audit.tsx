import { useState } from "react";
import { useLocation } from "react-router";
import { api, type Schemas } from "@/api/client";
import { useUrlPatch } from "@/app/url";
import { Card } from "@/components/Card";
import { Dialog } from "@/components/Dialog";
import { Empty, NothingMatches, Shown } from "@/components/States";
import { Table, usePaged, type Column } from "@/components/table";
import { number, Time } from "@/format";
import styles from "./settings.module.css";

type Entry = Schemas["AuditEntry"];

const COLUMNS: Column<Entry>[] = [
  { id: "action", head: "What", width: 180, cell: (entry) => entry.action },
  { id: "at", head: "When", width: 130, cell: (entry) => <Time at={entry.at} /> },
  { id: "who", head: "Who", width: 140, cell: (entry) => entry.who },
  { id: "role", head: "Role", width: 100, from: 720, cell: (entry) => entry.role },
  { id: "subject", head: "To what", from: 520, cell: (entry) => entry.subject },
  {
    id: "detail",
    head: "Detail",
    from: 860,
    cell: (entry) => <span title={told(entry)}>{told(entry)}</span>,
  },
];

const told = ({ detail }: Entry) =>
  Object.entries(detail)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");

/** What was done, and which owners' data was read. */
export function Audit() {
  const patch = useUrlPatch();
  const asked = new URLSearchParams(useLocation().search);
  const who = asked.get("who") ?? "";
  const subject = asked.get("subject") ?? "";
  const [opened, open] = useState<Entry | null>(null);
  const query = { ...(who && { who }), ...(subject && { subject }) };
  const list = usePaged<Entry, Schemas["AuditPage"]>(["audit", query], (at, signal) =>
    api.GET("/v1/audit-log", { params: { query: { ...query, ...at } }, signal }),
  );
  return (
    <Card
      title="Audit log"
      unit={list.data ? `${number(list.total)}, newest first` : undefined}
      className={styles.grow}
      actions={
        <>
          <Narrow label="Who" value={who} set={(value) => patch({ who: value })} />
          <Narrow label="To what" value={subject} set={(value) => patch({ subject: value })} />
        </>
      }
    >
      <Shown query={list} what="The audit log could not be loaded">
        {() => {
          if (list.total > 0) {
            return (
              <Table
                label="Audit log"
                fill
                columns={COLUMNS}
                rows={list.rows}
                total={list.total}
                rowKey={(entry) => String(entry.number)}
                onOpen={open}
                onReach={list.reach}
              />
            );
          }
          if (who || subject)
            return (
              <NothingMatches title="Nothing matches" clear={() => patch({ who: null, subject: null })} />
            );
          return <Empty title="Nothing yet">What is changed, and whose data is read, is written here.</Empty>;
        }}
      </Shown>
      {opened ? <OneEntry entry={opened} close={() => open(null)} /> : null}
    </Card>
  );
}

function Narrow({ label, value, set }: { label: string; value: string; set: (value: string) => void }) {
  const [text, setText] = useState(value);
  return (
    <input
      type="search"
      className={styles.find}
      aria-label={`${label}, exactly`}
      placeholder={label}
      value={text}
      onChange={(event) => {
        setText(event.target.value);
        if (event.target.value === "") set("");
      }}
      onKeyDown={(event) => (event.key === "Enter" ? set(text.trim()) : undefined)}
      onBlur={() => set(text.trim())}
    />
  );
}

function OneEntry({ entry, close }: { entry: Entry; close: () => void }) {
  const facts = [
    ["Who", `${entry.who} (${entry.role})`],
    ["To what", entry.subject],
    ["Number", number(entry.number)],
    ["Request", entry.request_id],
  ] as const;
  return (
    <Dialog title={entry.action} close={close}>
      <dl className={styles.facts}>
        <dt>When</dt>
        <dd>
          <Time at={entry.at} as="moment" />
        </dd>
        {facts.map(([name, value]) => (
          <div key={name} className={styles.pair}>
            <dt>{name}</dt>
            <dd>{value || "–"}</dd>
          </div>
        ))}
      </dl>
      {Object.keys(entry.detail).length > 0 ? (
        <pre className={styles.raw} tabIndex={0} aria-label="Detail">
          {JSON.stringify(entry.detail, null, 1)}
        </pre>
      ) : null}
    </Dialog>
  );
}
