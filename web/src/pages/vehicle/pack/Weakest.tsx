/** The cells that stand out, the lowest first; with the trouble code that names one. */

import { Card } from "@/components/Card";
import { number, signed } from "@/format";
import type { SpreadTrend } from "./data";
import { placeOf } from "./layers";
import styles from "./pack.module.css";

const SHOWN = 5;

interface Props {
  weakest: SpreadTrend["weakest"];
  per: number;
  cell: number | null;
  choose: (cell: number) => void;
}

export function Weakest({ weakest, per, cell, choose }: Props) {
  return (
    <Card title="Weakest cells" unit="at rest" flush>
      {weakest.length === 0 ? (
        <p className={`support ${styles.none}`}>
          No rest with cell voltages yet; after one the weakest cells stand here.
        </p>
      ) : (
        <table className={styles.weakest}>
          <thead>
            <tr>
              <th scope="col">Cell</th>
              <th scope="col">Module</th>
              <th scope="col">ΔV, mV</th>
              <th scope="col">z</th>
              <th scope="col">Rank</th>
              <th scope="col">Code</th>
            </tr>
          </thead>
          <tbody>
            {weakest.slice(0, SHOWN).map((weak) => (
              <tr key={weak.cell} data-chosen={weak.cell === cell}>
                <th scope="row">
                  <button type="button" onClick={() => choose(weak.cell)} aria-pressed={weak.cell === cell}>
                    {weak.cell}
                  </button>
                </th>
                <td>
                  M{weak.module}, {placeOf(weak.cell, per).place}
                </td>
                <td>
                  <b>{signed(weak.deviation_mv, 0)}</b>
                </td>
                <td>{weak.z === null ? "–" : signed(weak.z, 1)}</td>
                <td>{number(weak.rank)}</td>
                <td className="mono">{weak.code}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}
