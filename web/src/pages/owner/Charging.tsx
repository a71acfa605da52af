import { Chip } from "@/components/Chip";
import { number, stretch, Time } from "@/format";
import type { TabProps } from ".";
import { habits, isFast, type Trip } from "./figures";
import styles from "./owner.module.css";
import { useSessions } from "./read";
import { Figure, Figures, lastMonth, seconds, Sessions } from "./Sessions";

/** How the battery was charged. */
export function Charging({ car }: TabProps) {
  const list = useSessions(car, "charging");
  const made = habits(list.rows, lastMonth(list.rows));
  return (
    <div className={styles.list}>
      {made.charges > 0 ? (
        <Figures label="The last 30 days with charges">
          <Figure head="Charged in 30 days" value={number(made.chargedKwh)} unit="kWh">
            in {number(made.charges)} charges
          </Figure>
          <Figure head="Fast" value={number(made.fast)}>
            of {number(made.charges)}
          </Figure>
          <Figure head="Above 90 %" value={number(made.full)}>
            of {number(made.charges)}
          </Figure>
        </Figures>
      ) : null}
      <Sessions
        title="Charges"
        what="The charges could not be loaded"
        list={list}
        empty="No charges yet"
        row={(trip) => <Charge trip={trip} />}
      />
    </div>
  );
}

function Charge({ trip }: { trip: Trip }) {
  return (
    <>
      <p>
        <b>
          {number(trip.soc_start_pct)} → {number(trip.soc_end_pct)} %
        </b>
        <span className={styles.right}>
          {trip.energy_in_kwh === null ? "" : `${number(trip.energy_in_kwh, 1)}\u00a0kWh`}
        </span>
      </p>
      <p className="support">
        <Time at={trip.start} as="moment" /> · {stretch(seconds(trip))}
        {isFast(trip) ? <Chip tone="outline">fast</Chip> : null}
      </p>
    </>
  );
}
