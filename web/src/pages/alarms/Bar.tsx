import { useLocation, useNavigate } from "react-router";
import { useUrlPatch } from "@/app/url";
import { Chip, ToggleChip } from "@/components/Chip";
import { SEVERITIES, Severity, SEVERITY_NAMES } from "@/components/marks";
import { Choice } from "@/components/Tabs";
import { number } from "@/format";
import type { Filters, View } from "./filters";
import type { useCounts } from "./list";
import styles from "./alarms.module.css";

type Counts = ReturnType<typeof useCounts>;

function counted(word: string, many: number | undefined): string {
  return many === undefined ? word : `${word} ${number(many)}`;
}

/** Which of them: active, one's own, snoozed, closed. */
export function Views({ filters, counts }: { filters: Filters; counts: Counts }) {
  const navigate = useNavigate();
  const { search } = useLocation();
  // Another view has other alarms: the one that is open is not carried over.
  const set = (view: View) => {
    const query = new URLSearchParams(search);
    if (view === "active") query.delete("view");
    else query.set("view", view);
    void navigate({ pathname: "/alarms", search: query.toString() });
  };
  return (
    <>
      <span className={styles.wide}>
        <Watch filters={filters} />
      </span>
      <Choice<View>
        label="Which alarms"
        value={filters.view}
        set={set}
        options={[
          { value: "active", label: counted("Active", counts.active) },
          { value: "mine", label: counted("Mine", counts.mine) },
          { value: "snoozed", label: counted("Snoozed", counts.snoozed) },
          { value: "closed", label: "Closed" },
        ]}
      />
    </>
  );
}

/** Findings that can wait until somebody has time, too. */
function Watch({ filters }: { filters: Filters }) {
  const patch = useUrlPatch();
  return (
    <ToggleChip on={filters.watch} set={(on) => patch({ watch: on ? "1" : null }, { push: true })}>
      Watch list too
    </ToggleChip>
  );
}

/** Severities to be shown, and what else narrows the list. */
export function Narrowing({ filters, counts }: { filters: Filters; counts: Counts }) {
  const patch = useUrlPatch();
  const toggle = (code: number, on: boolean) => {
    const next = on ? [...filters.severities, code] : filters.severities.filter((one) => one !== code);
    patch({ severity: next.toSorted().join() }, { push: true });
  };
  const shown = SEVERITIES.filter((code) => code > 0 || (counts.bySeverity?.[0] ?? 0) > 0);
  return (
    <div className={styles.narrowing}>
      {shown.map((code) => (
        <ToggleChip
          key={code}
          on={filters.severities.includes(code)}
          set={(on) => toggle(code, on)}
          mark={<Severity code={code} size={12} />}
        >
          {counted(SEVERITY_NAMES[code], counts.bySeverity?.[code])}
        </ToggleChip>
      ))}
      <span className={styles.phone}>
        <Watch filters={filters} />
      </span>
      {(["code", "vehicle"] as const).map(
        (name) =>
          filters[name] && (
            <Chip
              key={name}
              tone="accent"
              remove={{ label: `Show any ${name}`, run: () => patch({ [name]: null }, { push: true }) }}
            >
              {filters[name]}
            </Chip>
          ),
      )}
      <span className={styles.order}>Severity, then newest</span>
    </div>
  );
}
