import { useMemo, type ReactNode } from "react";
import { Link } from "react-router";
import { api, useApi, type Schemas } from "@/api/client";
import { ChartCard, type ChartSpec } from "@/charts";
import { Card } from "@/components/Card";
import { Provenance } from "@/components/marks";
import { Shown } from "@/components/States";
import { Table, type Column } from "@/components/table";
import { duration, number, Time } from "@/format";
import styles from "./data.module.css";
import { HowTo } from "./HowTo";

type State = Schemas["IngestState"];
type Stream = Schemas["StreamState"];

const EVERY_MS = 5000;
/** Further behind than this is worth a word. */
const SLOW_S = 60;

/** Whether data comes in, how much, and how far behind everything is. */
export function Ingest() {
  const state = useApi(["ingest"], (signal) => api.GET("/v1/ingest", { signal }), { everyMs: EVERY_MS });
  return (
    <Shown query={state} what="The state of what comes in could not be loaded" heights={[30, 240]}>
      {(data) => (
        <>
          <Figures state={data} />
          {data.gateway === "stopped" ? <Stopped ever={data.log_rows > 0} /> : null}
          <RateCard state={data} />
          <StreamsCard state={data} />
        </>
      )}
    </Shown>
  );
}

function Figures({ state }: { state: State }) {
  const rate = state.rate_per_s.findLast((value) => value !== null);
  return (
    <section className={styles.strip} aria-label="What comes in, in figures">
      <Figure
        head="Gateway"
        value={state.gateway === "running" ? "Running" : "Stopped"}
        soft={state.gateway === "stopped"}
      >
        {state.newest_receipt_at ? (
          <>
            last data <Time at={state.newest_receipt_at} />
          </>
        ) : (
          "no data yet"
        )}
      </Figure>
      <Figure
        head="Samples a second"
        mark={<Provenance of="measured" />}
        value={number(rate, (rate ?? 0) < 10 ? 1 : 0)}
      >
        last minute
      </Figure>
      <Figure head="Behind" mark={<Provenance of="measured" />} value={behind(state.lag_s)}>
        {(state.lag_s ?? 0) > SLOW_S
          ? "from receipt to twin; more comes in than is worked off"
          : "from receipt to twin"}
      </Figure>
      <Figure head="Log" mark={<Provenance of="measured" />} value={number(state.log_rows)}>
        rows, {number(state.log_mb, state.log_mb < 10 ? 1 : 0)} MB
      </Figure>
      <Figure
        head="Dead letters"
        mark={<Provenance of="measured" />}
        value={<Link to="/data/dead-letters">{number(state.dead_letters)}</Link>}
      >
        could not be used
      </Figure>
    </section>
  );
}

function behind(seconds: number | null): string {
  if (seconds === null) return "0 s";
  return seconds < 10 ? `${number(seconds, 1)} s` : duration(seconds);
}

interface FigureProps {
  head: string;
  value: ReactNode;
  mark?: ReactNode;
  soft?: boolean;
  children: ReactNode;
}

function Figure({ head, value, mark, soft = false, children }: FigureProps) {
  return (
    <div className={styles.kpi}>
      <p className={styles.kpiHead}>
        {head} {mark}
      </p>
      <p className={`${styles.figure} ${soft ? styles.soft : ""}`}>{value}</p>
      <p className="support">{children}</p>
    </div>
  );
}

function Stopped({ ever }: { ever: boolean }) {
  return (
    <Card title={ever ? "No data comes in" : "Nothing has come in yet"}>
      <p>
        {ever
          ? "The gateway is not running. What is shown stays as it was; nothing is lost while vehicles keep what they could not send."
          : "Start the gateway with the address of your broker, or import files."}
      </p>
      <HowTo lines={["twinpack serve"]} guide="It takes in MQTT and HTTP, as the settings say." />
    </Card>
  );
}

function RateCard({ state }: { state: State }) {
  const spec = useMemo<ChartSpec>(
    () => ({
      name: "Samples received a second",
      x: { kind: "time", label: "Time" },
      panels: [
        {
          id: "rate",
          digits: 1,
          // Without any, the line lies on the axis.
          y: state.rate_per_s.some((rate) => rate !== null && rate > 0) ? { min: 0 } : { min: 0, max: 1 },
          series: [
            {
              kind: "line",
              id: "rate",
              name: "samples a second",
              tone: "measured",
              x: state.rate_ms,
              y: state.rate_per_s,
              legend: false,
            },
          ],
        },
      ],
    }),
    [state.rate_ms, state.rate_per_s],
  );
  return (
    <ChartCard
      title="Samples received a second"
      known="measured"
      unit="each minute of the last hour"
      spec={spec}
      height={200}
      drag="none"
      empty={<p className={styles.soft}>Nothing in the last hour.</p>}
    />
  );
}

const STREAMS: Column<Stream>[] = [
  { id: "name", head: "Reader", cell: (stream) => stream.name },
  { id: "offset", head: "Has read up to row", align: "end", cell: (stream) => number(stream.offset) },
  { id: "behind", head: "Rows behind", align: "end", cell: (stream) => number(stream.behind_rows) },
];

function StreamsCard({ state }: { state: State }) {
  const lake = state.lake_behind_rows;
  return (
    <Card
      title="Readers of the log"
      unit={lake > 0 ? `the lake is ${number(lake)} rows behind` : "the lake holds all rows"}
      flush
    >
      <div className={styles.inset}>
        <Table
          label="Readers of the log"
          columns={STREAMS}
          rows={state.streams}
          rowKey={(stream) => stream.name}
        />
      </div>
    </Card>
  );
}
