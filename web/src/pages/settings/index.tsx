import type { ReactNode } from "react";
import { Navigate, useParams } from "react-router";
import { Crumbs } from "@/app/PageBar";
import { useMay } from "@/app/session";
import { PageTitle } from "@/components/PageTitle";
import { NoAccess } from "@/components/States";
import { Tabs } from "@/components/Tabs";
import { Account } from "./Account";
import { Audit } from "./Audit";
import { Grants } from "./Grants";
import { Keys } from "./Keys";
import styles from "./settings.module.css";
import { Users } from "./Users";

interface Tab {
  name: string;
  label: string;
  /** The right that opens it; everyone has an account. */
  needs?: string;
  content: ReactNode;
}

const TABS: readonly Tab[] = [
  { name: "account", label: "Account", content: <Account /> },
  { name: "users", label: "Users", needs: "users.manage", content: <Users /> },
  { name: "grants", label: "Owners", needs: "grants.manage", content: <Grants /> },
  { name: "keys", label: "Keys", needs: "keys.manage", content: <Keys /> },
  { name: "audit", label: "Audit log", needs: "audit.read", content: <Audit /> },
];

/** The own account; for those who may: users, owners' grants, keys of machines, the audit log. */
export default function SettingsPage() {
  const { tab } = useParams();
  const may = useMay();
  const tabs = TABS.filter(({ needs }) => needs === undefined || may(needs));
  if (tab === undefined) return <Navigate to="/settings/account" replace />;
  const here = tabs.find(({ name }) => name === tab);
  if (here === undefined) return <NoAccess to="/settings" back="Back to Settings" />;
  return (
    <div className={styles.page}>
      <Crumbs here="Settings" />
      <PageTitle title="Settings">
        {tabs.length > 1 ? (
          <Tabs label="Settings" tabs={tabs.map(({ name, label }) => ({ to: `/settings/${name}`, label }))} />
        ) : null}
      </PageTitle>
      {here.content}
    </div>
  );
}
