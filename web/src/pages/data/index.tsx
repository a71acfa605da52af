import type { ReactNode } from "react";
import { Navigate, useParams } from "react-router";
import { Crumbs } from "@/app/PageBar";
import { useMay } from "@/app/session";
import { PageTitle } from "@/components/PageTitle";
import { NoAccess } from "@/components/States";
import { Tabs } from "@/components/Tabs";
import styles from "./data.module.css";
import { DeadLetters } from "./DeadLetters";
import { Imports } from "./Imports";
import { Ingest } from "./Ingest";
import { Query } from "./Query";

interface Tab {
  name: string;
  label: string;
  needs: string;
  content: ReactNode;
}

const TABS: readonly Tab[] = [
  { name: "ingest", label: "Coming in", needs: "data.read", content: <Ingest /> },
  { name: "imports", label: "Imports", needs: "data.read", content: <Imports /> },
  { name: "dead-letters", label: "Dead letters", needs: "data.read", content: <DeadLetters /> },
  { name: "query", label: "Query", needs: "query", content: <Query /> },
];

/** How data comes in, what could not be used, and questions in SQL. */
export default function DataPage() {
  const { tab } = useParams();
  const may = useMay();
  const tabs = TABS.filter(({ needs }) => may(needs));
  const first = tabs[0];
  if (first === undefined) return <NoAccess />;
  if (tab === undefined) return <Navigate to={`/data/${first.name}`} replace />;
  const here = tabs.find(({ name }) => name === tab);
  if (here === undefined) return <NoAccess to="/data" back="Back to Data" />;
  return (
    <div className={styles.page}>
      <Crumbs here="Data" />
      <PageTitle title="Data">
        <Tabs label="Data" tabs={tabs.map(({ name, label }) => ({ to: `/data/${name}`, label }))} />
      </PageTitle>
      {here.content}
    </div>
  );
}
