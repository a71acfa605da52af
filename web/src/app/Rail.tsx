// Where one can go: icon and word, always both. On a phone it is a bar at the bottom.
import { NavLink } from "react-router";
import { api, useApi } from "@/api/client";
import { useEvents } from "@/api/events";
import { queries } from "@/api/query";
import { Icon } from "@/components/Icon";
import { Logo } from "@/components/Logo";
import { entries, home, SETTINGS, type Entry } from "./navigation";
import { useMay, useMe } from "./session";
import styles from "./Rail.module.css";

export const ACTIVE_ALARMS = ["alarms", "active"] as const;

/** How many alarms are active, kept up by events. */
function useActiveAlarms(): number | undefined {
  const enabled = useMay()("alarms.read");
  useEvents(["alarm"], () => void queries.invalidateQueries({ queryKey: ACTIVE_ALARMS }));
  const page = useApi(
    ACTIVE_ALARMS,
    (signal) =>
      api.GET("/v1/alarms", {
        params: { query: { state: ["active", "acknowledged"], level: "alarm", snoozed: false, limit: 1 } },
        signal,
      }),
    { enabled, everyMs: 60_000 },
  );
  return page.data?.page.total;
}

export function Rail() {
  const me = useMe();
  const alarms = useActiveAlarms();
  return (
    <nav className={styles.rail} aria-label="Pages">
      <NavLink to={home(me)} className={styles.logo ?? ""} aria-label="twinpack, start">
        <Logo />
      </NavLink>
      {entries(me).map((entry) => (
        <Going key={entry.to} entry={entry} count={entry.to === "/alarms" ? alarms : undefined} />
      ))}
      <div className={styles.rest}>
        <Going entry={SETTINGS} />
      </div>
    </nav>
  );
}

function Going({ entry, count }: { entry: Entry; count?: number | undefined }) {
  return (
    <NavLink to={entry.to} className={styles.entry ?? ""}>
      <Icon name={entry.icon} size={20} />
      <span>{entry.label}</span>
      {count ? (
        <span className={styles.count}>
          {count > 99 ? "99+" : count}
          <span className="spoken"> active</span>
        </span>
      ) : null}
    </NavLink>
  );
}
