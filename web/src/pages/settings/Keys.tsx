import { useState } from "react";
import { api, useApi, useChange, type Schemas } from "@/api/client";
import { useUrlState } from "@/app/url";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { Dialog } from "@/components/Dialog";
import { Empty, Shown } from "@/components/States";
import { sorted, Table, type Column } from "@/components/table";
import { toast } from "@/components/Toast";
import { number, Time } from "@/format";
import { Checks, NotDone, PickField, Secret, TextField } from "@/components/Fields";
import { hasFleets, MACHINES, SCOPES, type RoleName } from "./roles";
import styles from "./settings.module.css";
import { useFleetOptions } from "./UserForm";

type Key = Schemas["ApiKey"];

const DAYS = 90;
const MOST_DAYS = 366;

export function keyState(key: Key, now = Date.now()): "active" | "expired" | "revoked" {
  if (key.revoked_at !== null) return "revoked";
  return Date.parse(key.expires_at) <= now ? "expired" : "active";
}

const COLUMNS: Column<Key>[] = [
  { id: "name", head: "Name", sort: "name", cell: (key) => key.name },
  { id: "id", head: "Key", width: 110, from: 620, cell: (key) => <code>{key.key_id}</code> },
  { id: "role", head: "Role", width: 100, sort: "role", cell: (key) => key.role },
  { id: "scopes", head: "May", from: 760, cell: (key) => key.scopes.join(", ") || "all that the role may" },
  {
    id: "used",
    head: "Last used",
    width: 130,
    from: 520,
    sort: "used",
    first: "down",
    cell: (key) => (key.last_used_at ? <Time at={key.last_used_at} /> : "never"),
  },
  {
    id: "expires",
    head: "Expires",
    width: 120,
    sort: "expires",
    cell: (key) => <Time at={key.expires_at} as="day" />,
  },
  {
    id: "state",
    head: "State",
    width: 90,
    sort: "state",
    cell: (key) => (
      <span className={keyState(key) === "active" ? styles.good : styles.soft}>{keyState(key)}</span>
    ),
  },
];
const VALUES = {
  name: (key: Key) => key.name,
  role: (key: Key) => key.role,
  used: (key: Key) => key.last_used_at,
  expires: (key: Key) => key.expires_at,
  state: (key: Key) => keyState(key),
};

/** Keys of machines, which expire and can be revoked. */
export function Keys() {
  const [sort, setSort] = useUrlState("sort", "state");
  const [opened, open] = useState<Key | "new" | null>(null);
  const keys = useApi(["keys"], (signal) => api.GET("/v1/keys", { signal }));
  const active = keys.data?.items.filter((key) => keyState(key) === "active").length;
  return (
    <Card
      title="Keys"
      unit={active === undefined ? undefined : `${number(active)} active, for machines that ask the API`}
      actions={
        <Button kind="filled" onClick={() => open("new")}>
          Make a key
        </Button>
      }
    >
      <Shown query={keys} what="The keys could not be loaded">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No keys yet">
              A program that asks the API has a key of its own, with a role and an end.
            </Empty>
          ) : (
            <Table
              label="Keys"
              columns={COLUMNS}
              rows={sorted(items, sort, VALUES)}
              rowKey={(key) => key.key_id}
              sort={sort}
              onSort={setSort}
              onOpen={open}
            />
          )
        }
      </Shown>
      {opened === "new" ? <Make close={() => open(null)} /> : null}
      {opened !== null && opened !== "new" ? <OneKey one={opened} close={() => open(null)} /> : null}
    </Card>
  );
}

const TOUCHES = [["keys"], ["audit"]];

function Make({ close }: { close: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<RoleName>("analyst");
  const [fleets, setFleets] = useState<string[]>([]);
  const [scopes, setScopes] = useState<string[]>([]);
  const [days, setDays] = useState(String(DAYS));
  const options = useFleetOptions();
  const make = useChange(
    () =>
      api.POST("/v1/keys", {
        body: { name, role, fleets: hasFleets(role) ? fleets : [], scopes, days: Number(days) },
      }),
    TOUCHES,
  );
  const good = Number(days) > 0 && Number(days) <= MOST_DAYS;
  if (make.data) {
    return (
      <Dialog title={`The key ${make.data.key.name}`} close={close}>
        <p>
          Send it as <code>Authorization: Bearer</code>. It is not shown again.
        </p>
        <Secret label="Key" value={make.data.secret} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title="Make a key"
      close={close}
      act={{
        label: "Make key",
        run: () => make.mutate(undefined),
        disabled: name.trim() === "" || !good || make.isPending,
      }}
    >
      <TextField
        label="Name"
        value={name}
        set={setName}
        autoComplete="off"
        maxLength={64}
        hint="What it is for."
        required
      />
      <PickField label="Role" value={role} set={setRole} options={MACHINES} />
      {hasFleets(role) ? <Checks label="Fleets" values={fleets} set={setFleets} options={options} /> : null}
      <Checks
        label="May"
        values={scopes}
        set={setScopes}
        options={SCOPES}
        hint="None ticked: all that the role may."
      />
      <TextField
        label="Days until it expires"
        type="number"
        min={1}
        max={MOST_DAYS}
        value={days}
        set={setDays}
        hint={good ? undefined : "From 1 to 366 days."}
      />
      <NotDone error={make.error} />
    </Dialog>
  );
}

function OneKey({ one, close }: { one: Key; close: () => void }) {
  const state = keyState(one);
  const revoke = useChange(
    () => api.DELETE("/v1/keys/{key_id}", { params: { path: { key_id: one.key_id } } }),
    TOUCHES,
  );
  const run = () =>
    revoke.mutate(undefined, {
      onSuccess: () => {
        toast({ text: `The key ${one.name} is revoked` });
        close();
      },
    });
  return (
    <Dialog
      title={one.name}
      close={close}
      {...(state === "active" ? { act: { label: "Revoke this key", run, disabled: revoke.isPending } } : {})}
    >
      <dl className={styles.facts}>
        <dt>Key</dt>
        <dd>
          <code>{one.key_id}</code>
        </dd>
        <dt>Role</dt>
        <dd>{one.role}</dd>
        <dt>Fleets</dt>
        <dd>{one.fleets.join(", ") || "–"}</dd>
        <dt>May</dt>
        <dd>{one.scopes.join(", ") || "all that the role may"}</dd>
        <dt>Made</dt>
        <dd>
          <Time at={one.created_at} as="moment" /> by {one.created_by}
        </dd>
        <dt>Expires</dt>
        <dd>
          <Time at={one.expires_at} as="moment" />
        </dd>
      </dl>
      {state === "active" ? <p className="support">What uses this key is refused from then on.</p> : null}
      <NotDone error={revoke.error} />
    </Dialog>
  );
}
