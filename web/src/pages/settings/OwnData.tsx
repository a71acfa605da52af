import { useState } from "react";
import { useNavigate } from "react-router";
import { answered, api, useChange } from "@/api/client";
import { useMe, dropSession } from "@/app/session";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { Dialog } from "@/components/Dialog";
import { Menu } from "@/components/Menu";
import { useSaving } from "@/components/saving";
import { download } from "@/format";
import { NotDone, TextField } from "@/components/Fields";

/** All that is kept of an owner, as a file; and the way to have it erased. */
export function OwnData() {
  const [erasing, setErasing] = useState(false);
  const { busy, save } = useSaving(async () => {
    const asked = api.GET("/v1/me/data", { parseAs: "blob" });
    download("my-battery-data.zip", (await answered<unknown>(asked)) as Blob);
  });
  return (
    <Card
      title="Your data"
      actions={
        <Menu
          label="More about your data"
          button="More"
          items={[{ label: "Erase your data…", danger: true, run: () => setErasing(true) }]}
        />
      }
    >
      <p>
        Everything that is kept of you and of your car while it was yours: account, measurements, trips and
        results.
      </p>
      <p>
        <Button icon="download" disabled={busy} onClick={save}>
          {busy ? "Making the file…" : "Download your data"}
        </Button>
      </p>
      {erasing ? <Erase close={() => setErasing(false)} /> : null}
    </Card>
  );
}

function Erase({ close }: { close: () => void }) {
  const { username } = useMe();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const erase = useChange(() => api.DELETE("/v1/me/data"));
  const run = () =>
    erase.mutate(undefined, {
      onSuccess: () => {
        dropSession();
        void navigate("/sign-in");
      },
    });
  return (
    <Dialog
      title="Erase your data"
      close={close}
      act={{ label: "Erase everything", run, disabled: name !== username || erase.isPending }}
    >
      <p>
        Your account ends now, with everything you share. Measurements of the times when the car was yours are
        taken out. This cannot be undone: download your data first.
      </p>
      <TextField label={`Write ${username} to go on`} value={name} set={setName} autoComplete="off" />
      <NotDone error={erase.error} />
    </Dialog>
  );
}
