/** Every version: outcome, reason, effect and hash. Compare two, or go back to one. */

import { useMay } from "@/app/session";
import { useUrlState } from "@/app/url";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { Chip } from "@/components/Chip";
import { Icon, type IconName } from "@/components/Icon";
import { Shown } from "@/components/States";
import { number, Time } from "@/format";
import type { Twin, Version } from "../data";
import { CompareDialog } from "./CompareDialog";
import { useVersions } from "./data";
import { RollbackDialog } from "./RollbackDialog";
import styles from "./twin.module.css";

export function Versions({ id, twin }: { id: string; twin: Twin }) {
  const may = useMay();
  const list = useVersions(id);
  const versions = list.rows;
  const [compare, setCompare] = useUrlState("compare", "");
  const [rollback, setRollback] = useUrlState("rollback", "");
  return (
    <Card
      title="Versions"
      mark={<Chain twin={twin} />}
      className={styles.versions}
      flush
      actions={
        versions.length > 1 && (
          <>
            <Button small onClick={() => setCompare(firstTwo(versions), { push: true })}>
              Compare
            </Button>
            {may("twin.rollback") && (
              <Button small onClick={() => setRollback("choose", { push: true })}>
                Roll back…
              </Button>
            )}
          </>
        )
      }
    >
      <Shown query={list} what="The versions could not be loaded" heights={[200]}>
        {() => (
          <div className={styles.scroll} tabIndex={0} role="region" aria-label="Versions, newest first">
            {versions.length === 0 && <p className="support">No version yet.</p>}
            <ol>
              {versions.map((version) => (
                <Entry key={version.number} version={version} />
              ))}
            </ol>
            {list.hasNextPage && (
              <Button small onClick={() => void list.fetchNextPage()} disabled={list.isFetching}>
                {number(list.total - versions.length)} more
              </Button>
            )}
          </div>
        )}
      </Shown>
      {compare && <CompareDialog id={id} pair={compare} set={setCompare} last={twin.version ?? 1} />}
      {rollback && <RollbackDialog id={id} twin={twin} versions={versions} close={() => setRollback("")} />}
    </Card>
  );
}

/** What is deployed and what it replaced. */
function firstTwo(versions: readonly Version[]): string {
  const kept = versions.filter((version) => version.kind !== "refused");
  const now = kept.find((version) => version.deployed) ?? kept[0];
  const before = kept.find((version) => version.number < (now?.number ?? 0));
  return `${before?.number ?? now?.number},${now?.number}`;
}

function Chain({ twin }: { twin: Twin }) {
  if (twin.chain === "empty") return null;
  const whole = twin.chain === "verified";
  return (
    <span title={twin.chain_note}>
      <Chip tone={whole ? "good" : "critical"} mark={<Icon name={whole ? "check" : "close"} size={12} />}>
        chain {twin.chain}
      </Chip>
    </span>
  );
}

const ICONS: Record<Version["kind"], IconName> = {
  prototype: "battery",
  accepted: "check",
  refused: "close",
  rollback: "history",
  promoted: "check",
  replayed: "history",
  measured: "check",
};
const WORDS: Record<Version["kind"], string> = {
  prototype: "prototype",
  accepted: "accepted",
  refused: "refused",
  rollback: "roll-back",
  promoted: "promoted",
  replayed: "replayed",
  measured: "workshop test",
};

function Entry({ version }: { version: Version }) {
  const [, setAt] = useUrlState("at", "");
  return (
    <li className={styles.entry} data-kind={version.kind}>
      <span className={styles.sign} aria-hidden="true">
        <Icon name={ICONS[version.kind]} size={14} />
      </span>
      <div>
        <p className={styles.line}>
          <b>v{version.number}</b>
          {version.deployed ? (
            <Chip tone="accent">deployed</Chip>
          ) : (
            <span className="support">{WORDS[version.kind]}</span>
          )}
          <span className={styles.when}>
            <button
              type="button"
              onClick={() => setAt(version.at, { push: true })}
              title="Show the twin as it stood then"
              aria-label={`Show the twin as it stood then, at version ${version.number}`}
            >
              <Time at={version.at} />
            </button>
          </span>
        </p>
        <p>
          {version.effect || version.reason}
          {version.who && ` By ${version.who}.`}
        </p>
        <p className="mono" title={`${version.hash} ← ${version.parent_hash}`}>
          {version.hash.slice(0, 8)}
          {version.parent_hash && ` ← ${version.parent_hash.slice(0, 8)}`}
        </p>
      </div>
    </li>
  );
}
