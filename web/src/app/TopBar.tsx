// Where I am, search, how far behind live data is, units and time zone, theme, and the one who is signed in.
import { Link, useNavigate } from "react-router";
import { api, useApi } from "@/api/client";
import { useLive } from "@/api/events";
import { Icon } from "@/components/Icon";
import { Logo } from "@/components/Logo";
import { Menu } from "@/components/Menu";
import { zone } from "@/format";
import { leave } from "./leave";
import { SLOT } from "./PageBar";
import { Search } from "./Search";
import { useMay, useMe, usePreferences, type Me } from "./session";
import { useTheme } from "./theme";
import styles from "./TopBar.module.css";

export function TopBar({ listKeys }: { listKeys: () => void }) {
  const me = useMe();
  const owner = me.role === "owner";
  return (
    <header className={styles.bar} data-bar>
      <Link to="/" className={styles.logo} aria-label="twinpack, start">
        <Logo size={28} />
      </Link>
      <div id={SLOT} className={styles.slot} />
      {!owner && <Search />}
      {!owner && <Live />}
      <Units />
      <ThemeButton />
      <UserMenu me={me} listKeys={listKeys} />
    </header>
  );
}

function behind(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s behind`;
  if (seconds < 120) return `${Math.round(seconds)} s behind`;
  return `${Math.round(seconds / 60)} min behind`;
}

/** How far behind live data is; without the right to know, whether events come in. */
function Live() {
  const live = useLive();
  const enabled = useMay()("data.read");
  const ingest = useApi(["ingest"], (signal) => api.GET("/v1/ingest", { signal }), {
    enabled,
    everyMs: 5_000,
  });
  const stopped = ingest.data?.gateway === "stopped";
  const lag = ingest.data?.lag_s;
  const word = !live ? "Not live" : stopped ? "No data coming in" : "Live";
  return (
    <span className={styles.live} data-on={live && !stopped}>
      <span className={styles.disc} aria-hidden="true" />
      <b>{word}</b>
      {live && !stopped && typeof lag === "number" && <span>· {behind(lag)}</span>}
    </span>
  );
}

function Units() {
  const { distance, temperature } = usePreferences();
  const temp = temperature === "c" ? "°C" : "°F";
  return (
    <Link
      to="/settings/account"
      className={styles.units}
      title="Units and time zone: change units in the settings"
    >
      {distance} · {temp} · {zone()}
    </Link>
  );
}

function ThemeButton() {
  const theme = useTheme();
  const { set } = usePreferences();
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      className={styles.round}
      aria-label={`Use the ${other} theme`}
      title={`Use the ${other} theme`}
      onClick={() => set({ theme: other })}
    >
      <Icon name={theme === "dark" ? "sun" : "moon"} />
    </button>
  );
}

/** Two letters for a name: "M. Kern" → MK. */
export function initials(name: string): string {
  const words = name.split(/[\s._@+-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0]?.[0], words.at(-1)?.[0]] : [...(words[0] ?? "?")].slice(0, 2);
  return letters.join("").toUpperCase();
}

function UserMenu({ me, listKeys }: { me: Me; listKeys: () => void }) {
  const navigate = useNavigate();
  const { theme, keys, set } = usePreferences();
  const name = me.display_name || me.username;
  return (
    <Menu
      className={styles.user}
      label={`${name}, account`}
      button={<span aria-hidden="true">{initials(name)}</span>}
      head={
        <>
          <b>{name}</b>
          <div className="support">{me.no_auth ? "no sign-in, this machine only" : me.role}</div>
        </>
      }
      items={[
        { label: "Account and units", run: () => void navigate("/settings/account") },
        { label: "Theme: as the system", run: () => set({ theme: "system" }), checked: theme === "system" },
        { label: "Theme: light", run: () => set({ theme: "light" }), checked: theme === "light" },
        { label: "Theme: dark", run: () => set({ theme: "dark" }), checked: theme === "dark" },
        {
          label: keys ? "Keys…" : "Turn on single keys",
          run: () => (keys ? listKeys() : set({ keys: true })),
        },
        ...(me.no_auth ? [] : [{ label: "Sign out", run: () => void leave(navigate) }]),
      ]}
    />
  );
}
