/** The answer first: health with its interval, why it changed, and the three other kinds of health beside it. */

import { useState, type ReactNode } from "react";
import { Link } from "react-router";

import { Card } from "@/components/Card";
import { Chip } from "@/components/Chip";
import { Provenance, type ProvenanceName } from "@/components/marks";
import { NotKnown } from "@/components/States";
import { day, digitsFor, NBSP, number, signed } from "@/format";
import type { VehicleDetail } from "../data";
import styles from "./overview.module.css";

export function Headline({ vehicle }: { vehicle: VehicleDetail }) {
  return (
    <Card className={styles.headline}>
      <Capacity vehicle={vehicle} />
      <Why vehicle={vehicle} />
      <Resistance vehicle={vehicle} />
      <Figure
        name="Imbalance"
        of="measured"
        note={vehicle.imbalance_note || "no rest with cell voltages yet"}
      >
        {vehicle.imbalance_mv === null ? null : [number(vehicle.imbalance_mv), "mV"]}
      </Figure>
      <Offset vehicle={vehicle} />
    </Card>
  );
}

function Capacity({
  vehicle: { capacity, cohort_median_pct: median, cohort_vehicles },
}: {
  vehicle: VehicleDetail;
}) {
  const { value, low, high, sd } = capacity;
  const digits = Math.min(1, digitsFor(sd === null ? null : 1.96 * sd));
  return (
    <div className={styles.capacity}>
      <h2>
        <Provenance of="estimated" /> Capacity health
      </h2>
      {value === null ? (
        <NotKnown why={capacity.why_unknown ?? ""} helps={capacity.what_helps ?? ""} />
      ) : (
        <div className={styles.answer}>
          <p className="figure-xl">
            {number(value, digits)}
            <small>{NBSP}%</small>
          </p>
          <p className={styles.interval}>
            {low !== null && high !== null && (
              <>
                <span className="num">
                  {number(low, digits)} to {number(high, digits)}
                </span>
                <br />
                <span className="axis">95 % interval</span>
              </>
            )}
          </p>
        </div>
      )}
      {median !== null && value !== null && (
        <p className="axis">
          cohort {number(median, 1)} %, {number(cohort_vehicles)} vehicles
        </p>
      )}
    </div>
  );
}

function Why({ vehicle }: { vehicle: VehicleDetail }) {
  const { change, row } = vehicle;
  const [whole, setWhole] = useState(false);
  if (!change) {
    return (
      <div className={styles.why}>
        <h2>Why did this change?</h2>
        <p className="support">
          No update has changed it yet. The first accepted update will be explained here.
        </p>
      </div>
    );
  }
  const { from_version: from, to_version: to } = change;
  return (
    <div className={styles.why}>
      <h2>
        Why did this change?
        <Chip tone={change.change_pts < 0 ? "never" : "good"}>
          {signed(change.change_pts, 1)} pts on {day(change.since)}
        </Chip>
        <Link to={`/vehicles/${encodeURIComponent(row.vehicle_id)}/twin?compare=${from},${to}`}>
          Version {from} → {to}
        </Link>
      </h2>
      <p className={whole ? undefined : styles.clamped}>
        {sharesOf(change)}
        {whole ? detailOf(change.text) : briefOf(change.text)}
      </p>
      <button type="button" className={styles.more} aria-expanded={whole} onClick={() => setWhole(!whole)}>
        {whole ? "Less" : "All of it"}
      </button>
    </div>
  );
}

/** Without the sentence that says which version replaced which: the link beside it does. */
export function detailOf(text: string): string {
  return text.replace(/^Version \d+ replaced[^.]*\.\s*/, "");
}

/** "−0.4 wear, +0.2 better measured. ", without what is too small to be told; a decision has neither. */
export function sharesOf(change: Pick<Change, "wear_pts" | "knowledge_pts">): string {
  const { wear_pts: wear, knowledge_pts: knowledge } = change;
  const told = (pts: number, what: string) => (Math.abs(pts) < 0.05 ? [] : [`${signed(pts, 1)} ${what}`]);
  const shares = [...told(wear, "wear"), ...told(knowledge, "better measured")];
  return shares.length > 0 ? `${shares.join(", ")}. ` : "";
}

/** The health before and after, and what gave rise to it: the first of the explanation and the last. */
export function briefOf(text: string): string {
  const sentences = detailOf(text).split(/(?<=[.])\s+(?=\p{Lu})/u);
  const health = /^(Capacity health [^:]*):/.exec(
    sentences.find((one) => one.startsWith("Capacity health")) ?? "",
  );
  const last = sentences.at(-1) ?? "";
  return health ? `${health[1]}. ${last.startsWith("Capacity health") ? "" : last}`.trim() : detailOf(text);
}

function Resistance({ vehicle: { resistance, resistance_ohm: ohm } }: { vehicle: VehicleDetail }) {
  const half = resistance.sd === null ? null : 1.96 * resistance.sd;
  const digits = Math.min(2, digitsFor(half));
  const absolute = ohm.value === null ? "" : `${number(1000 * ohm.value, 1)} mΩ at 25 °C · `;
  const note =
    resistance.value === null ? (resistance.why_unknown ?? "") : `${absolute}±${number(half, digits)}`;
  return (
    <Figure name="Resistance" of="estimated" note={note}>
      {resistance.value === null ? null : [number(resistance.value, digits), "× new"]}
    </Figure>
  );
}

function Offset({ vehicle: { bms_offset_pts: offset, bms_note } }: { vehicle: VehicleDetail }) {
  return (
    <Figure
      name="BMS offset"
      of="estimated"
      note={offset.value === null ? (offset.why_unknown ?? "") : offsetNote(bms_note ?? "")}
    >
      {offset.value === null ? null : [signed(offset.value, 1), "pts"]}
    </Figure>
  );
}

/** The part that says what is compared; why it is not another figure is left to the guides. */
const offsetNote = (note: string): string => note.split(":")[0]?.toLowerCase().replace("bms", "BMS") ?? "";

type Change = NonNullable<VehicleDetail["change"]>;

interface FigureProps {
  name: string;
  of: ProvenanceName;
  note: string;
  children: [value: string, unit: string] | null;
}

function Figure({ name, of, note, children }: FigureProps): ReactNode {
  return (
    <div className={styles.figure}>
      <h2>
        <Provenance of={of} /> {name}
      </h2>
      {children ? (
        <p className="figure-m">
          {children[0]}
          <small>
            {NBSP}
            {children[1]}
          </small>
        </p>
      ) : (
        <p className={styles.unknown}>not known yet</p>
      )}
      <p className="axis">{note}</p>
    </div>
  );
}
