// Moments as the inbox has them: today a time, this week a day and a time, else the day.
import { clock, day, millis, type Moment } from "@/format";

const WEEK_MS = 6 * 86_400_000;
const WEEKDAY = new Intl.DateTimeFormat("en-GB", { weekday: "short" });

/** 14:29, Fri 18:55, 22 Nov or 22 Nov 2024. */
export function when(at: Moment, now: number = Date.now(), seconds = false): string {
  const ms = millis(at);
  if (new Date(ms).toDateString() === new Date(now).toDateString()) return clock(ms, seconds);
  if (Math.abs(now - ms) < WEEK_MS) return `${WEEKDAY.format(ms)} ${clock(ms, seconds)}`;
  return day(ms, now);
}

/** The same with the time of an old day, where there is room. */
export function whenInFull(at: Moment, now: number = Date.now()): string {
  const ms = millis(at);
  return Math.abs(now - ms) < WEEK_MS ? when(ms, now, true) : `${day(ms, now)}, ${clock(ms, true)}`;
}
