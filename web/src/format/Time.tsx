import { useNow } from "./now";
import { ago, clock, day, isRecent, millis, moment, utc, type Moment } from "./moments";

interface Props {
  at: Moment;
  /** relative: an age under 24 hours, else the moment; else always the moment, its day or its time. */
  as?: "relative" | "moment" | "day" | "clock";
}

/** A moment in local time, with UTC on hover. */
export function Time({ at, as = "relative" }: Props) {
  const text = useNow((now) =>
    as === "relative"
      ? ago(at, now)
      : as === "day"
        ? day(at, now)
        : as === "clock"
          ? clock(at)
          : moment(at, now),
  );
  const recent = as === "relative" && isRecent(at, Date.now());
  const title = recent ? `${moment(at)} local, ${utc(at)}` : utc(at);
  return (
    <time dateTime={new Date(millis(at)).toISOString()} title={title}>
      {text}
    </time>
  );
}
