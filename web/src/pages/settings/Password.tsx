import { useState, type FormEvent } from "react";
import { api, useChange } from "@/api/client";
import { useMe } from "@/app/session";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { toast } from "@/components/Toast";
import { NotDone, TextField } from "@/components/Fields";
import styles from "./settings.module.css";

const SHORTEST = 12;
const EMPTY = { old: "", fresh: "", again: "" };

/** Change the own password. */
export function Password() {
  const { username } = useMe();
  const [fields, setFields] = useState(EMPTY);
  const change = useChange(
    (body: { old: string; new: string }) => api.POST("/v1/me/password", { body }),
    [["me"]],
  );
  const differs = fields.again !== "" && fields.again !== fields.fresh;
  const ready = fields.old !== "" && fields.fresh.length >= SHORTEST && fields.again === fields.fresh;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    change.mutate(
      { old: fields.old, new: fields.fresh },
      {
        onSuccess: () => {
          setFields(EMPTY);
          toast({ text: "The password is changed; your other sessions have ended" });
        },
      },
    );
  };
  const field = (name: keyof typeof EMPTY) => ({
    type: "password",
    value: fields[name],
    set: (value: string) => setFields({ ...fields, [name]: value }),
    required: true,
    maxLength: 256,
  });
  return (
    <Card title="Password" unit="your other sessions end when it changes">
      <form className={styles.form} onSubmit={submit}>
        <input type="text" autoComplete="username" value={username} readOnly hidden />
        <TextField label="Password now" autoComplete="current-password" {...field("old")} />
        <TextField
          label="New password"
          autoComplete="new-password"
          hint="At least 12 characters; a sentence is easier to keep than symbols."
          minLength={SHORTEST}
          {...field("fresh")}
        />
        <TextField
          label="New password again"
          autoComplete="new-password"
          hint={differs ? "This is not the same." : undefined}
          aria-invalid={differs}
          {...field("again")}
        />
        <NotDone error={change.error} />
        <Button kind="filled" type="submit" disabled={!ready || change.isPending}>
          Change password
        </Button>
      </form>
    </Card>
  );
}
