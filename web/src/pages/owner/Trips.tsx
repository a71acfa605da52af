import { number, stretch, Time, type Formatter } from "@/format";
import type { TabProps } from ".";
import { habits, type Trip } from "./figures";
import styles from "./owner.module.css";
import { useSessions } from "./read";
import { Figure, Figures, lastMonth, seconds, Sessions } from "./Sessions";

/** Where the energy went. */
export function Trips({ car, format }: TabProps) {
  const list = useSessions(car, "driving");
  const made = habits(list.rows, lastMonth(list.rows));
  return (
    <div className={styles.list}>
      {made.trips > 0 ? (
        <Figures label="The last 30 days with trips">
          <Figure head="Driven in 30 days" value={format.distanceValue(made.km)} unit={format.distanceUnit}>
            on {number(made.trips)} trips
          </Figure>
          {made.kwhPer100km === null ? null : (
            <Figure
              head="Used"
              value={format.per100(made.kwhPer100km).split("\u00a0")[0] ?? ""}
              unit={`kWh/100 ${format.distanceUnit}`}
            />
          )}
        </Figures>
      ) : null}
      <Sessions
        title="Trips"
        what="The trips could not be loaded"
        list={list}
        empty="No trips yet"
        row={(trip) => <Drive trip={trip} format={format} />}
      />
    </div>
  );
}

function Drive({ trip, format }: { trip: Trip; format: Formatter }) {
  const temperature =
    trip.temp_mean_c === null ? "" : ` · battery at ${format.temperature(trip.temp_mean_c)}`;
  return (
    <>
      <p>
        <b>{format.distance(trip.distance_km, 1)}</b>
        <span className={styles.right}>
          {trip.kwh_per_100km === null ? "" : format.per100(trip.kwh_per_100km)}
        </span>
      </p>
      <p className="support">
        <Time at={trip.start} as="moment" /> · {stretch(seconds(trip))}
        {temperature}
      </p>
    </>
  );
}
