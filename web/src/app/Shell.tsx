// What stands around every page: rail, top bar, the banner when the service is away.
import { useState } from "react";
import { Outlet, useMatch, useNavigate } from "react-router";
import { Toasts } from "@/components/Toast";
import { Announcer } from "./Announcer";
import { KeyList } from "./KeyList";
import { useKeys, type Keys } from "./keys";
import { entries, SETTINGS } from "./navigation";
import { Offline } from "./Offline";
import { Rail } from "./Rail";
import { focusSearch } from "./Search";
import { useMay, useMe } from "./session";
import { TopBar } from "./TopBar";
import styles from "./Shell.module.css";

export function Shell() {
  const me = useMe();
  const may = useMay();
  const [listing, setListing] = useState(false);
  const navigate = useNavigate();
  const owner = useMatch("/owner/*") !== null;
  const going = [...entries(me), SETTINGS].flatMap(({ key, label, to }) =>
    key ? [[`g ${key}`, { does: `Go to ${label}`, run: () => void navigate(to) }] as const] : [],
  );
  const keys: Keys = {
    "/": { does: "Search", run: focusSearch },
    ...Object.fromEntries(going),
    "?": { does: "List the keys", run: () => setListing(true) },
  };
  useKeys(keys);
  return (
    <div className={styles.shell} data-owner={owner}>
      <a className={styles.skip} href="#main">
        Skip to the page
      </a>
      <Rail />
      <div className={styles.right}>
        <TopBar listKeys={() => setListing(true)} />
        <Offline />
        <main id="main" tabIndex={-1} className={styles.main}>
          <Outlet />
        </main>
      </div>
      {listing && <KeyList close={() => setListing(false)} />}
      <Toasts />
      {may("alarms.read") && <Announcer />}
    </div>
  );
}
