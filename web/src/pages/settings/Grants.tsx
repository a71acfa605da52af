import { useState } from "react";
import { Link } from "react-router";
import { api, useApi, useChange, type Schemas } from "@/api/client";
import { useUrlState } from "@/app/url";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { Dialog } from "@/components/Dialog";
import { Empty, Shown } from "@/components/States";
import { sorted, Table, type Column } from "@/components/table";
import { toast } from "@/components/Toast";
import { endOfDay, number, Time } from "@/format";
import { Check, NotDone, TextField } from "@/components/Fields";
import styles from "./settings.module.css";

type Grant = Schemas["Grant"];

const KINDS = { owner: "owns it", shared: "shared by its owner" };
const COLUMNS: Column<Grant>[] = [
  { id: "vehicle", head: "Vehicle", width: 120, sort: "vehicle", cell: (grant) => grant.vehicle_id },
  { id: "person", head: "Person", sort: "person", cell: (grant) => grant.username },
  { id: "kind", head: "How", from: 620, sort: "kind", cell: (grant) => KINDS[grant.kind] },
  { id: "by", head: "Given by", from: 760, cell: (grant) => grant.given_by },
  {
    id: "from",
    head: "From",
    width: 130,
    from: 520,
    sort: "from",
    first: "down",
    cell: (grant) => <Time at={grant.from_at} as="day" />,
  },
  { id: "until", head: "Until", width: 130, cell: (grant) => <Until grant={grant} /> },
  {
    id: "state",
    head: "State",
    width: 80,
    sort: "state",
    cell: (grant) => (
      <span className={grant.active ? styles.good : styles.soft}>{grant.active ? "active" : "ended"}</span>
    ),
  },
];
const VALUES = {
  vehicle: (grant: Grant) => grant.vehicle_id,
  person: (grant: Grant) => grant.username,
  kind: (grant: Grant) => grant.kind,
  from: (grant: Grant) => grant.from_at,
  state: (grant: Grant) => (grant.active ? 0 : 1),
};

function Until({ grant }: { grant: Grant }) {
  const at = grant.ended_at ?? grant.until_at;
  return at ? <Time at={at} as="day" /> : <span className={styles.soft}>no end</span>;
}

/** Whose vehicles are whose: owners see their own, for the time of the grant. */
export function Grants() {
  const [sort, setSort] = useUrlState("sort", "state");
  const [opened, open] = useState<Grant | "new" | null>(null);
  const grants = useApi(["grants"], (signal) => api.GET("/v1/grants", { signal }));
  const active = grants.data?.items.filter((grant) => grant.active).length;
  return (
    <Card
      title="Owners"
      unit={
        active === undefined
          ? undefined
          : `${number(active)} active grants; an owner sees only the time of the grant`
      }
      actions={
        <Button kind="filled" onClick={() => open("new")}>
          Give a vehicle
        </Button>
      }
    >
      <Shown query={grants} what="The grants could not be loaded">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No owners yet">Add a user with the role owner, then give the vehicle.</Empty>
          ) : (
            <Table
              label="Grants"
              columns={COLUMNS}
              rows={sorted(items, sort, VALUES)}
              rowKey={(grant) => grant.grant_id}
              sort={sort}
              onSort={setSort}
              onOpen={open}
            />
          )
        }
      </Shown>
      {opened === "new" ? <Give close={() => open(null)} /> : null}
      {opened !== null && opened !== "new" ? <OneGrant grant={opened} close={() => open(null)} /> : null}
    </Card>
  );
}

const TOUCHES = [["grants"], ["audit"]];

function Give({ close }: { close: () => void }) {
  const [vehicle, setVehicle] = useState("");
  const [person, setPerson] = useState("");
  const [until, setUntil] = useState("");
  const [transfer, setTransfer] = useState(true);
  const give = useChange(
    () =>
      api.POST("/v1/grants", {
        body: { vehicle_id: vehicle.trim(), username: person.trim(), until_at: endOfDay(until), transfer },
      }),
    TOUCHES,
  );
  const run = () =>
    give.mutate(undefined, {
      onSuccess: (grant) => {
        toast({ text: `${grant.username} sees ${grant.vehicle_id} from now on` });
        close();
      },
    });
  return (
    <Dialog
      title="Give a vehicle to its owner"
      close={close}
      act={{
        label: "Give vehicle",
        run,
        disabled: vehicle.trim() === "" || person.trim() === "" || give.isPending,
      }}
    >
      <p>The owner sees what is measured from now on, nothing of earlier owners.</p>
      <TextField
        label="Vehicle"
        value={vehicle}
        set={setVehicle}
        autoComplete="off"
        maxLength={64}
        required
      />
      <TextField
        label="Owner signs in as"
        value={person}
        set={setPerson}
        autoComplete="off"
        maxLength={64}
        required
      />
      <TextField
        label="Until"
        type="date"
        value={until}
        set={setUntil}
        hint="Left empty, until it is ended."
      />
      <Check value={transfer} set={setTransfer}>
        Grants of earlier owners end now
      </Check>
      <NotDone error={give.error} />
    </Dialog>
  );
}

function OneGrant({ grant, close }: { grant: Grant; close: () => void }) {
  const end = useChange(
    () => api.DELETE("/v1/grants/{grant_id}", { params: { path: { grant_id: grant.grant_id } } }),
    TOUCHES,
  );
  const run = () =>
    end.mutate(undefined, {
      onSuccess: () => {
        toast({ text: `${grant.username} no longer sees ${grant.vehicle_id}` });
        close();
      },
    });
  return (
    <Dialog
      title={`${grant.vehicle_id} and ${grant.username}`}
      close={close}
      {...(grant.active ? { act: { label: "End this grant", run, disabled: end.isPending } } : {})}
    >
      <dl className={styles.facts}>
        <dt>How</dt>
        <dd>{KINDS[grant.kind]}</dd>
        <dt>Given by</dt>
        <dd>{grant.given_by}</dd>
        <dt>From</dt>
        <dd>
          <Time at={grant.from_at} as="moment" />
        </dd>
        <dt>Until</dt>
        <dd>
          <Until grant={grant} />
        </dd>
        <dt>Vehicle</dt>
        <dd>
          <Link to={`/vehicles/${encodeURIComponent(grant.vehicle_id)}`}>{grant.vehicle_id}</Link>
        </dd>
      </dl>
      {grant.active ? (
        <p className="support">
          {grant.username} stops seeing the vehicle at once; what {grant.username} shared of it ends too.
        </p>
      ) : null}
      <NotDone error={end.error} />
    </Dialog>
  );
}
