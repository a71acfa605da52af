/** Two versions beside each other: what changed, and by how much of what was known. */

import { Dialog } from "@/components/Dialog";
import { Shown } from "@/components/States";
import { estimate, number, signed } from "@/format";
import type { Schemas } from "@/api/client";
import type { Version } from "../data";
import { useComparison } from "./data";
import styles from "./twin.module.css";

interface Props {
  id: string;
  /** As in the address: "20,22". */
  pair: string;
  set: (pair: string) => void;
  last: number;
}

/** The two versions that an address names; none when it names none. */
export function pairOf(text: string, last: number): [number, number] | null {
  const [a, b] = text.split(",").map(Number);
  const good = (n: number | undefined): n is number =>
    Number.isInteger(n) && (n ?? 0) >= 1 && (n ?? 0) <= last;
  return good(a) && good(b) ? [a, b] : null;
}

export function CompareDialog({ id, pair, set, last }: Props) {
  const found = pairOf(pair, last);
  if (!found) return null;
  const [a, b] = found;
  return (
    <Dialog title={`Version ${a} beside version ${b}`} close={() => set("")} wide>
      <div className={styles.pick}>
        <VersionField label="From" value={a} last={last} set={(next) => set(`${next},${b}`)} />
        <VersionField label="To" value={b} last={last} set={(next) => set(`${a},${next}`)} />
      </div>
      <Compared id={id} a={a} b={b} />
    </Dialog>
  );
}

interface FieldProps {
  label: string;
  value: number;
  last: number;
  set: (value: number) => void;
}

export function VersionField({ label, value, last, set }: FieldProps) {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => set(Number(event.target.value))}>
        {Array.from({ length: last }, (_, i) => last - i).map((version) => (
          <option key={version} value={version}>
            v{version}
          </option>
        ))}
      </select>
    </label>
  );
}

function Compared({ id, a, b }: { id: string; a: number; b: number }) {
  const query = useComparison(id, a, b);
  return (
    <Shown query={query} what="The versions could not be compared" heights={[120]}>
      {(difference) => (
        <>
          <Facts a={difference.a} b={difference.b} />
          <table className={styles.compared}>
            <thead>
              <tr>
                <th scope="col">Parameter</th>
                <th scope="col">v{difference.a.number}, ±2σ</th>
                <th scope="col">v{difference.b.number}, ±2σ</th>
                <th scope="col">Change</th>
                <th scope="col">in σ of both</th>
              </tr>
            </thead>
            <tbody>
              {difference.parameters.map((parameter) => (
                <ParameterRow key={parameter.name} parameter={parameter} />
              ))}
            </tbody>
          </table>
        </>
      )}
    </Shown>
  );
}

function Facts({ a, b }: { a: Version; b: Version }) {
  return (
    <dl className={styles.factsOfTwo}>
      {[a, b].map((version, i) => (
        <div key={i}>
          <dt>
            v{version.number}, {version.kind}
          </dt>
          <dd>{version.effect || version.reason}</dd>
        </div>
      ))}
    </dl>
  );
}

function ParameterRow({ parameter }: { parameter: Schemas["ParameterDifference"] }) {
  const a = estimate(parameter.mean_a, parameter.sd_a === null ? null : 2 * parameter.sd_a, 4);
  const b = estimate(parameter.mean_b, parameter.sd_b === null ? null : 2 * parameter.sd_b, 4);
  const digits = Math.max(a.digits, b.digits);
  return (
    <tr>
      <th scope="row">
        {parameter.label}
        {parameter.unit ? `, ${parameter.unit}` : ""}
      </th>
      <td>
        {a.value} <span className="support">±{a.half}</span>
      </td>
      <td>
        {b.value} <span className="support">±{b.half}</span>
      </td>
      <td>
        <b>{signed(parameter.change, digits)}</b>
      </td>
      <td>{number(parameter.change_in_sd, 1)}</td>
    </tr>
  );
}
