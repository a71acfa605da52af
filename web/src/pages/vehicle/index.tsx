/** One vehicle: its name and what it does now, and the pages about it. */

import { lazy, Suspense, type ComponentType } from "react";
import { Navigate, useLocation, useParams } from "react-router";

import { Crumbs } from "@/app/PageBar";
import { useMay } from "@/app/session";
import { useDocumentTitle } from "@/components/PageTitle";
import { Failed, Loading, NoAccess } from "@/components/States";
import { useVehicle, useVehicleEvents, type VehicleDetail } from "./data";
import { Header } from "./Header";
import { tabsFor, type TabId } from "./tabs";
import styles from "./vehicle.module.css";

export interface TabProps {
  vehicle: VehicleDetail;
}

const PAGES: Record<TabId, ComponentType<TabProps>> = {
  overview: lazy(() => import("./overview")),
  twin: lazy(() => import("./twin")),
  pack: lazy(() => import("./pack")),
  alarms: lazy(() => import("./alarms")),
  maintenance: lazy(() => import("./maintenance")),
};

export default function VehiclePage() {
  const { id = "", tab = "" } = useParams();
  const { search } = useLocation();
  const may = useMay();
  const query = useVehicle(id);
  useVehicleEvents(id);
  const tabs = tabsFor(may);
  const open = tabs.find((one) => one.id === tab);
  useDocumentTitle(open && open.id !== "overview" ? `${id}, ${open.label}` : id);
  if (query.error && !query.data) {
    return (
      <Failed
        what="The vehicle could not be loaded"
        error={query.error}
        retry={() => void query.refetch()}
        page
      />
    );
  }
  if (!query.data) return <Loading heights={[26, 90, 300, 240]} label="Loading the vehicle" />;
  const [first] = tabs;
  if (!tab && first)
    return <Navigate to={`/vehicles/${encodeURIComponent(id)}/${first.id}${search}`} replace />;
  if (!open) return <NoAccess />;
  const Page = PAGES[open.id];
  const { fleet } = query.data.row;
  return (
    <div className={styles.page}>
      <Crumbs
        trail={[
          { to: "/fleet", label: "Fleet" },
          ...(fleet ? [{ to: `/fleet?fleet=${encodeURIComponent(fleet)}`, label: fleet }] : []),
        ]}
        here={id}
      />
      <Header vehicle={query.data} tabs={tabs} />
      <Suspense fallback={<Loading heights={[90, 300, 240]} />}>
        <Page vehicle={query.data} />
      </Suspense>
    </div>
  );
}
