import { useMemo, useRef } from "react";
import { useMay, usePreferences } from "@/app/session";
import { useUrlPatch } from "@/app/url";
import { LinkButton } from "@/components/Button";
import { Card } from "@/components/Card";
import { Empty, Failed, Loading } from "@/components/States";
import { formatter } from "@/format";
import { brushedDots, isBrushed } from "./chosen";
import { deviationScale, figureColumns, findColumns, Legend } from "./columns";
import { useChosenColumns } from "./ChooseColumns";
import { useFilters, writePart, type Filters } from "./filters";
import styles from "./fleet.module.css";
import { HistogramCard } from "./HistogramCard";
import { useLiveFleet } from "./live";
import { useScatter, useSummary, useVehicles } from "./read";
import { ScatterCard, type Brushed } from "./ScatterCard";
import { Strip } from "./Strip";
import { TitleRow } from "./TitleRow";
import { VehiclesCard } from "./VehiclesCard";

/** The fleet: five figures, how healthy it is, and the vehicles, worst first. */
export default function FleetPage() {
  const figures = useMay()("fleet.read");
  const filters = useFilters();
  return figures ? <WithFigures filters={filters} /> : <ListAlone filters={filters} />;
}

function useFormat() {
  const { distance, temperature } = usePreferences();
  return useMemo(() => formatter({ distance, temperature }), [distance, temperature]);
}

function WithFigures({ filters }: { filters: Filters }) {
  const format = useFormat();
  const patch = useUrlPatch();
  const summary = useSummary(filters, true);
  const scatter = useScatter(filters, true);
  const list = useVehicles(filters);
  const table = useRef<HTMLDivElement>(null);
  const live = useLiveFleet(table, list.rows.length);
  const dots = scatter.data;
  const brushed = useMemo(
    () => (dots && isBrushed(filters) ? brushedDots(dots, filters) : null),
    [dots, filters],
  );
  const columns = useMemo(
    () => figureColumns(format, deviationScale(dots?.deviation_pts ?? [])),
    [format, dots],
  );
  const chosen = useChosenColumns(columns);
  // Of the whole fleet, so that one can go from a model to another; the same question where none is chosen.
  const packs = useSummary({ ...filters, pack: "" }, true).data?.packs.map(({ pack }) => pack) ?? [];
  const brush = ({ health, distance = null, age = null }: Brushed) =>
    patch({ health: writePart(health), distance: writePart(distance), age: writePart(age) }, { push: true });

  if (summary.data?.vehicles === 0 && filters.pack === "") return <NoVehicles filters={filters} />;
  return (
    <div className={styles.page}>
      <TitleRow filters={filters} packs={packs} columns={columns} figures />
      {summary.data ? (
        <Strip summary={summary.data} />
      ) : (
        <Card>
          {summary.error ? (
            <Failed
              what="The fleet's figures could not be loaded"
              error={summary.error}
              retry={() => void summary.refetch()}
            />
          ) : (
            <Loading heights={[14, 30]} />
          )}
        </Card>
      )}
      <div className={styles.charts}>
        {summary.data ? (
          <HistogramCard
            summary={summary.data}
            dots={dots}
            brushed={brushed}
            health={filters.health}
            brush={(health) => brush({ health, distance: filters.distance, age: filters.age })}
          />
        ) : (
          <Card title="Capacity health">
            <Loading heights={[14, 200]} />
          </Card>
        )}
        {dots ? (
          <ScatterCard dots={dots} brushed={brushed} filters={filters} format={format} brush={brush} />
        ) : (
          <Card title={`Capacity health against ${filters.over}`}>
            {scatter.error ? (
              <Failed
                what="The dots could not be loaded"
                error={scatter.error}
                retry={() => void scatter.refetch()}
                holds="The list below is current."
              />
            ) : (
              <Loading heights={[14, 200]} />
            )}
          </Card>
        )}
      </div>
      <div ref={table} className={styles.below}>
        <VehiclesCard
          {...{ filters, format, list }}
          {...live}
          columns={chosen.columns}
          all={summary.data?.vehicles ?? null}
          actions={
            <>
              <Legend />
              {chosen.button}
            </>
          }
        />
      </div>
    </div>
  );
}

/** What those see who may find a vehicle, but not its figures. */
function ListAlone({ filters }: { filters: Filters }) {
  const format = useFormat();
  const may = useMay();
  const byName: Filters = filters.sort === "deviation_pts" ? { ...filters, sort: "vehicle_id" } : filters;
  const list = useVehicles(byName);
  const table = useRef<HTMLDivElement>(null);
  const live = useLiveFleet(table, list.rows.length);
  const columns = useMemo(() => findColumns(may("alarms.read")), [may]);
  return (
    <div className={`${styles.page} ${styles.alone}`}>
      <TitleRow filters={byName} packs={[]} columns={columns} figures={false} />
      <div ref={table} className={styles.below}>
        <VehiclesCard {...{ format, list, columns }} filters={byName} {...live} all={null} actions={null} />
      </div>
    </div>
  );
}

function NoVehicles({ filters }: { filters: Filters }) {
  const data = useMay()("data.read");
  return (
    <div className={styles.page}>
      <TitleRow filters={filters} packs={[]} columns={[]} figures={false} />
      <Card>
        <Empty
          title="No vehicles yet"
          actions={
            data ? (
              <>
                <LinkButton to="/data/imports" kind="filled">
                  Import data
                </LinkButton>
                <LinkButton to="/data">Connect a broker</LinkButton>
              </>
            ) : null
          }
        >
          Import a file or connect a broker. The first trip makes a twin.
        </Empty>
      </Card>
    </div>
  );
}
