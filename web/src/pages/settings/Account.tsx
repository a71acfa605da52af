import type { ReactNode } from "react";
import { useMe, usePreferences } from "@/app/session";
import { Card } from "@/components/Card";
import { Choice } from "@/components/Tabs";
import { zone } from "@/format";
import { OwnData } from "./OwnData";
import { Password } from "./Password";
import { ROLE_WORDS } from "./roles";
import styles from "./settings.module.css";
import { Check } from "@/components/Fields";

/** Who one is, how one likes to see things, the password, and one's own data. */
export function Account() {
  const me = useMe();
  return (
    <div className={styles.columns}>
      <Card title="You">
        <dl className={styles.facts}>
          <dt>Name</dt>
          <dd>{me.display_name || me.username}</dd>
          <dt>Signs in as</dt>
          <dd>
            {me.no_auth ? "nobody: this service runs without sign-in, for this machine only" : me.username}
          </dd>
          <dt>Role</dt>
          <dd>{ROLE_WORDS[me.role]}</dd>
          {me.role === "owner" ? null : (
            <>
              <dt>Fleets</dt>
              <dd>
                {me.fleets.length > 0 ? me.fleets.join(", ") : me.role === "admin" ? "all" : "none yet"}
              </dd>
            </>
          )}
        </dl>
      </Card>
      <Looks />
      {me.built_in && !me.no_auth ? <Password /> : null}
      {me.role === "owner" ? <OwnData /> : null}
    </div>
  );
}

/** Units, theme and keys. */
function Looks() {
  const { distance, temperature, theme, keys, set } = usePreferences();
  return (
    <Card title="Units and looks" unit={`times are local, ${zone()}`}>
      <dl className={styles.facts}>
        <Row label="Distance">
          <Choice
            label="Distance"
            value={distance}
            set={(value) => set({ distance: value })}
            options={[
              { value: "km", label: "km" },
              { value: "mi", label: "mi" },
            ]}
          />
        </Row>
        <Row label="Temperature">
          <Choice
            label="Temperature"
            value={temperature}
            set={(value) => set({ temperature: value })}
            options={[
              { value: "c", label: "°C" },
              { value: "f", label: "°F" },
            ]}
          />
        </Row>
        <Row label="Theme">
          <Choice
            label="Theme"
            value={theme}
            set={(value) => set({ theme: value })}
            options={[
              { value: "system", label: "As the system" },
              { value: "light", label: "Light" },
              { value: "dark", label: "Dark" },
            ]}
          />
        </Row>
        <Row label="Keys">
          <Check value={keys} set={(value) => set({ keys: value })}>
            Single keys do things, such as <kbd>/</kbd> for the search
          </Check>
        </Row>
      </dl>
    </Card>
  );
}

function Row({ label, children }: { label: string; children: ReactNode }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </>
  );
}
