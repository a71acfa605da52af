import { useState } from "react";
import { useNavigate } from "react-router";
import { api, useChange, type Schemas } from "@/api/client";
import { queries } from "@/api/query";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { Dialog } from "@/components/Dialog";
import { Menu } from "@/components/Menu";
import { Empty, Shown } from "@/components/States";
import { toast } from "@/components/Toast";
import { dayAfter, endOfDay, Time } from "@/format";
import { NotDone, TextField } from "@/components/Fields";
import { OwnData } from "@/pages/settings/OwnData";
import type { TabProps } from ".";
import styles from "./owner.module.css";
import { useShares } from "./read";

type Grant = Schemas["Grant"];

/** Who else may see the car, until when; handing it on; and the own data. */
export function Sharing({ car, detail }: TabProps) {
  const may = detail.may.includes("share");
  return (
    <div className={styles.list}>
      {may ? <Shares car={car} /> : <OnlyShared />}
      <OwnData />
    </div>
  );
}

function OnlyShared() {
  return (
    <Card title="Sharing">
      <p>This car was shared with you; its owner says who else may see it.</p>
    </Card>
  );
}

function Shares({ car }: { car: string }) {
  const [sharing, setSharing] = useState(false);
  const [handing, setHanding] = useState(false);
  const shares = useShares(car, true);
  return (
    <Card
      title="Who sees your car"
      actions={
        <>
          <Menu
            label="More about sharing"
            button="More"
            items={[{ label: "Hand the car on…", danger: true, run: () => setHanding(true) }]}
          />
          <Button kind="filled" icon="share" onClick={() => setSharing(true)}>
            Share
          </Button>
        </>
      }
    >
      <Shown query={shares} what="Who sees your car could not be loaded" heights={[40, 40]}>
        {({ items }) => {
          const active = items.filter((share) => share.active);
          if (active.length === 0)
            return (
              <Empty title="Only you">Share it with a workshop or a buyer, for as long as you say.</Empty>
            );
          return (
            <ul className={styles.sessions}>
              {active.map((share) => (
                <li key={share.grant_id}>
                  <Share car={car} share={share} />
                </li>
              ))}
            </ul>
          );
        }}
      </Shown>
      {sharing ? <ShareForm car={car} close={() => setSharing(false)} /> : null}
      {handing ? <HandOn car={car} close={() => setHanding(false)} /> : null}
    </Card>
  );
}

const key = (car: string) => ["owner", car, "shares"];

function Share({ car, share }: { car: string; share: Grant }) {
  const path = { vehicle_id: car, grant_id: share.grant_id };
  const end = useChange(
    () => api.DELETE("/v1/vehicles/{vehicle_id}/shares/{grant_id}", { params: { path } }),
    [key(car)],
  );
  const again = useChange(
    (until_at: string) =>
      api.POST("/v1/vehicles/{vehicle_id}/shares", {
        params: { path: { vehicle_id: car } },
        body: { username: share.username, until_at },
      }),
    [key(car)],
  );
  const { until_at: until } = share;
  const run = () =>
    end.mutate(undefined, {
      onSuccess: () =>
        toast({
          text: `${share.username} no longer sees your car`,
          ...(until && { undo: () => again.mutate(until) }),
        }),
      onError: (error) => toast({ text: error.message, bad: true }),
    });
  return (
    <div className={styles.share}>
      <div>
        <p>
          <b>{share.username}</b>
        </p>
        <p className="support">
          {until ? (
            <>
              until <Time at={until} as="day" />
            </>
          ) : (
            "no end"
          )}
        </p>
      </div>
      <Button disabled={end.isPending} onClick={run} aria-label={`End sharing with ${share.username}`}>
        End
      </Button>
    </div>
  );
}

const DAYS = [
  [7, "A week"],
  [30, "30 days"],
  [90, "90 days"],
] as const;

function ShareForm({ car, close }: { car: string; close: () => void }) {
  const [person, setPerson] = useState("");
  const [until, setUntil] = useState(() => dayAfter(7));
  const share = useChange(
    (until_at: string) =>
      api.POST("/v1/vehicles/{vehicle_id}/shares", {
        params: { path: { vehicle_id: car } },
        body: { username: person.trim(), until_at },
      }),
    [key(car)],
  );
  const end = endOfDay(until);
  const run = () => {
    if (end === null) return;
    share.mutate(end, {
      onSuccess: () => {
        toast({ text: `${person.trim()} sees your car now` });
        close();
      },
    });
  };
  return (
    <Dialog
      title="Share your car"
      close={close}
      act={{ label: "Share", run, disabled: person.trim() === "" || end === null || share.isPending }}
    >
      <p>
        They see what you see of the battery, charges and trips, and can change nothing. You can end it at any
        time.
      </p>
      <TextField
        label="They sign in as"
        value={person}
        set={setPerson}
        autoComplete="off"
        autoCapitalize="none"
        maxLength={64}
        required
      />
      <TextField label="Until" type="date" min={dayAfter(0)} value={until} set={setUntil} required />
      <div className={styles.presets}>
        {DAYS.map(([days, label]) => (
          <Button key={days} small onClick={() => setUntil(dayAfter(days))}>
            {label}
          </Button>
        ))}
      </div>
      <NotDone error={share.error} />
    </Dialog>
  );
}

function HandOn({ car, close }: { car: string; close: () => void }) {
  const [person, setPerson] = useState("");
  const navigate = useNavigate();
  const give = useChange(() =>
    api.POST("/v1/grants", { body: { vehicle_id: car, username: person.trim(), transfer: true } }),
  );
  const run = () =>
    give.mutate(undefined, {
      onSuccess: async () => {
        await queries.invalidateQueries();
        toast({ text: `The car is ${person.trim()}'s now` });
        void navigate("/owner/health");
      },
    });
  return (
    <Dialog
      title="Hand the car on"
      close={close}
      act={{ label: "Hand it on", run, disabled: person.trim() === "" || give.isPending }}
    >
      <p>
        The next owner sees what is measured from now on, nothing of your time. You and those you share with
        stop seeing the car now. Download your data first if you want to keep it.
      </p>
      <TextField
        label="The next owner signs in as"
        value={person}
        set={setPerson}
        autoComplete="off"
        autoCapitalize="none"
        maxLength={64}
        required
      />
      <NotDone error={give.error} />
    </Dialog>
  );
}
