import { useState } from "react";
import { api, useApi, useChange } from "@/api/client";
import { useMe } from "@/app/session";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { toast } from "@/components/Toast";
import { Check, Checks, NotDone, PickField, Secret, TextField } from "@/components/Fields";
import { hasFleets, PEOPLE, type RoleName } from "./roles";
import styles from "./settings.module.css";
import { stateOf, type User } from "./Users";

const TOUCHES = [["users"], ["audit"]];
const SHORTEST = 12;

/** The fleets that may be given. */
export function useFleetOptions(): { value: string; label: string }[] {
  const fleets = useApi(["fleets"], (signal) => api.GET("/v1/fleets", { signal }));
  return fleets.data?.items.map(({ name }) => ({ value: name, label: name })) ?? [];
}

/** Make an account, or change one. */
export function UserForm({ user, close }: { user: User | null; close: () => void }) {
  return user === null ? <NewUser close={close} /> : <ChangeUser user={user} close={close} />;
}

function NewUser({ close }: { close: () => void }) {
  const [username, setUsername] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<RoleName>("operator");
  const [fleets, setFleets] = useState<string[]>([]);
  const options = useFleetOptions();
  const add = useChange(
    () =>
      api.POST("/v1/users", {
        body: { username, display_name: name, role, fleets: hasFleets(role) ? fleets : [] },
      }),
    TOUCHES,
  );
  if (add.data) {
    return (
      <Dialog title={`${add.data.user.username} may sign in`} close={close}>
        <p>Hand over the password now: it is not shown again.</p>
        {add.data.password ? <Secret label="Password" value={add.data.password} /> : null}
      </Dialog>
    );
  }
  return (
    <Dialog
      title="Add a user"
      close={close}
      act={{
        label: "Add user",
        run: () => add.mutate(undefined),
        disabled: username === "" || add.isPending,
      }}
    >
      <TextField
        label="Signs in as"
        value={username}
        set={setUsername}
        autoComplete="off"
        maxLength={64}
        pattern="[A-Za-z0-9._@+\-]+"
        hint="Letters, digits and . _ @ + -"
        required
      />
      <TextField label="Name" value={name} set={setName} autoComplete="off" maxLength={128} />
      <PickField label="Role" value={role} set={setRole} options={PEOPLE} />
      {hasFleets(role) ? <Checks label="Fleets" values={fleets} set={setFleets} options={options} /> : null}
      {role === "owner" ? <p className="support">Give the vehicle under “Owners” afterwards.</p> : null}
      <p className="support">A password is made and shown once.</p>
      <NotDone error={add.error} />
    </Dialog>
  );
}

function ChangeUser({ user, close }: { user: User; close: () => void }) {
  const self = useMe().username === user.username;
  const [name, setName] = useState(user.display_name);
  const [role, setRole] = useState<RoleName>(user.role);
  const [fleets, setFleets] = useState<string[]>(user.fleets);
  const [disabled, setDisabled] = useState(user.disabled);
  const [password, setPassword] = useState("");
  const options = useFleetOptions();
  const path = { username: user.username };
  const change = useChange(
    () =>
      api.PATCH("/v1/users/{username}", {
        params: { path },
        body: {
          display_name: name,
          role,
          fleets: hasFleets(role) ? fleets : [],
          disabled,
          unlock: stateOf(user) === "locked",
          ...(password && { password }),
        },
      }),
    TOUCHES,
  );
  const done = () => {
    toast({ text: `${user.username} is changed` });
    close();
  };
  const short = password !== "" && password.length < SHORTEST;
  const ends =
    role !== user.role ||
    disabled !== user.disabled ||
    password !== "" ||
    fleets.join() !== user.fleets.join();
  return (
    <Dialog
      title={`Change ${user.username}`}
      close={close}
      act={{
        label: stateOf(user) === "locked" ? "Change and unlock" : "Change",
        run: () => change.mutate(undefined, { onSuccess: done }),
        disabled: change.isPending || short,
      }}
    >
      <TextField label="Name" value={name} set={setName} autoComplete="off" maxLength={128} />
      <PickField
        label="Role"
        value={role}
        set={setRole}
        options={PEOPLE}
        disabled={self}
        hint={self ? "Your own role is changed by another admin." : undefined}
      />
      {hasFleets(role) ? <Checks label="Fleets" values={fleets} set={setFleets} options={options} /> : null}
      <TextField
        label="New password"
        type="password"
        value={password}
        set={setPassword}
        autoComplete="new-password"
        hint={short ? "At least 12 characters." : "Left empty, it stays as it is."}
      />
      {self ? null : (
        <Check value={disabled} set={setDisabled}>
          May not sign in
        </Check>
      )}
      {ends ? <p className="support">The sessions of {user.username} end.</p> : null}
      <NotDone error={change.error} />
      {self ? null : <Remove user={user} close={close} />}
    </Dialog>
  );
}

function Remove({ user, close }: { user: User; close: () => void }) {
  const [sure, setSure] = useState(false);
  const remove = useChange(
    () => api.DELETE("/v1/users/{username}", { params: { path: { username: user.username } } }),
    [...TOUCHES, ["grants"], ["keys"]],
  );
  const run = () =>
    remove.mutate(undefined, {
      onSuccess: () => {
        toast({ text: `${user.username} is removed` });
        close();
      },
    });
  return (
    <div className={styles.remove}>
      {sure ? (
        <>
          <p className="support">Sessions, keys and grants of {user.username} end and are removed.</p>
          <Button kind="danger" disabled={remove.isPending} onClick={run}>
            Remove {user.username} for good
          </Button>
        </>
      ) : (
        <Button kind="quiet" onClick={() => setSure(true)}>
          Remove this account…
        </Button>
      )}
      <NotDone error={remove.error} />
    </div>
  );
}
