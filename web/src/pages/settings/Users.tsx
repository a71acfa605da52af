import { useState } from "react";
import { api, useApi, type Schemas } from "@/api/client";
import { useUrlState } from "@/app/url";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { Empty, Shown } from "@/components/States";
import { sorted, Table, type Column } from "@/components/table";
import { count, Time } from "@/format";
import styles from "./settings.module.css";
import { UserForm } from "./UserForm";

export type User = Schemas["User"];

const COLUMNS: Column<User>[] = [
  { id: "username", head: "Signs in as", width: 150, sort: "username", cell: (user) => user.username },
  { id: "name", head: "Name", from: 620, sort: "name", cell: (user) => user.display_name || "–" },
  { id: "role", head: "Role", width: 110, sort: "role", cell: (user) => user.role },
  {
    id: "fleets",
    head: "Fleets",
    from: 720,
    cell: (user) => user.fleets.join(", ") || (user.role === "admin" ? "all" : "–"),
  },
  { id: "state", head: "State", width: 120, sort: "state", cell: (user) => <State user={user} /> },
  {
    id: "seen",
    head: "Last sign-in",
    width: 140,
    from: 520,
    sort: "seen",
    first: "down",
    cell: (user) => (user.last_sign_in_at ? <Time at={user.last_sign_in_at} /> : "never"),
  },
];
const VALUES = {
  username: (user: User) => user.username,
  name: (user: User) => user.display_name,
  role: (user: User) => user.role,
  state: (user: User) => stateOf(user),
  seen: (user: User) => user.last_sign_in_at,
};

export function stateOf(user: User, now = Date.now()): "active" | "disabled" | "locked" {
  if (user.disabled) return "disabled";
  return user.locked_until !== null && Date.parse(user.locked_until) > now ? "locked" : "active";
}

function State({ user }: { user: User }) {
  const state = stateOf(user);
  return <span className={state === "active" ? styles.good : styles.soft}>{state}</span>;
}

/** Accounts: who may sign in, and what for. */
export function Users() {
  const [sort, setSort] = useUrlState("sort", "username");
  const [opened, open] = useState<User | "new" | null>(null);
  const users = useApi(["users"], (signal) => api.GET("/v1/users", { signal }));
  return (
    <Card
      title="Users"
      unit={users.data ? count(users.data.items.length, "account") : undefined}
      actions={
        <Button kind="filled" onClick={() => open("new")}>
          Add user
        </Button>
      }
    >
      <Shown query={users} what="The accounts could not be loaded">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No accounts yet">Add a user, then start the service without --no-auth.</Empty>
          ) : (
            <Table
              label="Users"
              columns={COLUMNS}
              rows={sorted(items, sort, VALUES)}
              rowKey={(user) => user.username}
              sort={sort}
              onSort={setSort}
              onOpen={open}
            />
          )
        }
      </Shown>
      {opened === null ? null : <UserForm user={opened === "new" ? null : opened} close={() => open(null)} />}
    </Card>
  );
}
