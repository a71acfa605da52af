import { useMemo, type ReactNode } from "react";
import { Link, Navigate, useNavigate, useParams } from "react-router";
import { PageBar } from "@/app/PageBar";
import { useMe, usePreferences } from "@/app/session";
import { LinkButton } from "@/components/Button";
import { Card } from "@/components/Card";
import { Menu } from "@/components/Menu";
import { useDocumentTitle } from "@/components/PageTitle";
import { Empty, Failed, Loading, NoAccess } from "@/components/States";
import { formatter, Time, type Formatter } from "@/format";
import { Charging } from "./Charging";
import type { Detail } from "./figures";
import { Health } from "./Health";
import styles from "./owner.module.css";
import { useCar, useDetail } from "./read";
import { Sharing } from "./Sharing";
import { Trips } from "./Trips";

export interface TabProps {
  car: string;
  detail: Detail;
  format: Formatter;
}

const TABS: Record<string, { title: string; content: (props: TabProps) => ReactNode }> = {
  health: { title: "Battery health", content: (props) => <Health {...props} /> },
  charging: { title: "Charging", content: (props) => <Charging {...props} /> },
  trips: { title: "Trips", content: (props) => <Trips {...props} /> },
  sharing: { title: "Sharing", content: (props) => <Sharing {...props} /> },
};

/** The own car: how healthy its battery is, what changed, charging, trips, and who else may see it. */
export default function OwnerPage() {
  const { tab } = useParams();
  const me = useMe();
  const car = useCar();
  const here = tab === undefined ? undefined : TABS[tab];
  useDocumentTitle(here?.title ?? "");
  if (tab === undefined) return <Navigate to="/owner/health" replace />;
  if (here === undefined || (me.role !== "owner" && car === undefined)) return <NoAccess />;
  if (car === undefined) return <NoCar />;
  return <OneCar key={car} car={car} title={here.title} content={here.content} />;
}

interface OneCarProps {
  car: string;
  title: string;
  content: (props: TabProps) => ReactNode;
}

function OneCar({ car, title, content }: OneCarProps) {
  const detail = useDetail(car);
  const { distance, temperature } = usePreferences();
  const format = useMemo(() => formatter({ distance, temperature }), [distance, temperature]);
  return (
    <div className={styles.page}>
      <Bar car={car} detail={detail.data} />
      <h1 className={styles.title}>{title}</h1>
      {detail.data ? (
        content({ car, detail: detail.data, format })
      ) : (
        <Card>
          {detail.error ? (
            <Failed
              what="Your car could not be loaded"
              error={detail.error}
              retry={() => void detail.refetch()}
            />
          ) : (
            <Loading heights={[14, 54, 40]} />
          )}
        </Card>
      )}
    </div>
  );
}

/** Which car, when it was last seen, and the way to share it. */
function Bar({ car, detail }: { car: string; detail: Detail | undefined }) {
  const { vehicles } = useMe();
  const navigate = useNavigate();
  const { tab } = useParams();
  const name = detail?.row.pack ?? car;
  const items = vehicles.map((one) => ({
    label: one,
    checked: one === car,
    run: () => void navigate(`/owner/${tab ?? "health"}?car=${encodeURIComponent(one)}`),
  }));
  return (
    <PageBar>
      <div className={styles.bar}>
        <div className={styles.car}>
          {vehicles.length > 1 ? (
            <Menu label="Which car" side="left" button={<b>{name} ▾</b>} items={items} />
          ) : (
            <b>{name}</b>
          )}
          <span className="support">
            {detail?.row.label || car}
            {detail?.row.last_seen_at ? (
              <>
                {" · seen "}
                <Time at={detail.row.last_seen_at} />
              </>
            ) : null}
          </span>
        </div>
        {detail?.may.includes("share") && tab !== "sharing" ? (
          <LinkButton to="/owner/sharing">Share</LinkButton>
        ) : null}
      </div>
    </PageBar>
  );
}

function NoCar() {
  return (
    <Card>
      <Empty title="No car yet">
        Whoever keeps your car's fleet gives it to you; it is here then. Your account and its data are in the{" "}
        <Link to="/settings/account">settings</Link>.
      </Empty>
    </Card>
  );
}
