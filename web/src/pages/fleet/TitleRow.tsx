import { PageBar } from "@/app/PageBar";
import { useUrlPatch } from "@/app/url";
import { Button } from "@/components/Button";
import { Menu } from "@/components/Menu";
import { PageTitle } from "@/components/PageTitle";
import { Choice } from "@/components/Tabs";
import { useSaving } from "@/components/saving";
import { download, longMoment, useNow } from "@/format";
import { tableCsv, type Column } from "@/components/table";
import type { Filters, Over } from "./filters";
import styles from "./fleet.module.css";
import { allVehicles, useFleetNames, type VehicleRow } from "./read";
import { Views } from "./Views";

interface Props {
  filters: Filters;
  packs: readonly string[];
  columns: readonly Column<VehicleRow>[];
  /** Whether there are charts over distance or age. */
  figures: boolean;
}

const MANY = 4;

/** Title, time, models, age or distance, and the list as a file. */
export function TitleRow({ filters, packs, columns, figures }: Props) {
  const patch = useUrlPatch();
  const now = useNow((at) => longMoment(at));
  const pick = (pack: string) => patch({ pack, health: null, distance: null, age: null }, { push: true });
  const options = [
    { value: "", label: "All models" },
    ...packs.map((pack) => ({ value: pack, label: pack })),
  ];
  return (
    <>
      <FleetMenu filters={filters} />
      <PageTitle title="Fleet" facts={now}>
        {packs.length > 1 && packs.length <= MANY ? (
          <Choice label="Model" value={filters.pack} set={pick} options={options} />
        ) : null}
        {packs.length > MANY ? (
          <Menu
            label="Model"
            button={filters.pack || "All models"}
            items={options.map(({ value, label }) => ({
              label,
              run: () => pick(value),
              checked: value === filters.pack,
            }))}
          />
        ) : null}
        {figures ? (
          <Choice<Over>
            label="Charts against"
            value={filters.over}
            set={(over) => patch({ by: over === "age" ? "age" : null, distance: null, age: null })}
            options={[
              { value: "age", label: "By age" },
              { value: "distance", label: "By distance" },
            ]}
          />
        ) : null}
        <Views />
        <CsvButton filters={filters} columns={columns} />
      </PageTitle>
    </>
  );
}

function CsvButton({ filters, columns }: Pick<Props, "filters" | "columns">) {
  const { busy, save } = useSaving(async () =>
    download("vehicles.csv", tableCsv(columns, await allVehicles(filters))),
  );
  return (
    <Button icon="download" disabled={busy} onClick={save}>
      CSV
    </Button>
  );
}

/** Which fleet is looked at, where there are several. */
function FleetMenu({ filters }: { filters: Filters }) {
  const patch = useUrlPatch();
  const fleets = useFleetNames();
  const only = fleets.length === 1 ? fleets[0] : undefined;
  const items = ["", ...fleets].map((name) => ({
    label: name || "All fleets",
    run: () => patch({ fleet: name, pack: null }, { push: true }),
    checked: name === filters.fleet,
  }));
  return (
    <PageBar>
      {fleets.length > 1 ? (
        <Menu
          label="Fleet"
          side="left"
          className={styles.fleetMenu}
          button={<b>{filters.fleet || "All fleets"} ▾</b>}
          items={items}
        />
      ) : (
        <b>{only ?? "Fleet"}</b>
      )}
    </PageBar>
  );
}
