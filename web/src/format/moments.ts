/** Moments: local, with UTC beside; relative under 24 hours. */

import { number } from "./number";

export type Moment = string | number | Date;

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const LANGUAGE = "en-GB";

const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(LANGUAGE, options);
const TIME = format({ hour: "2-digit", minute: "2-digit" });
const TIME_S = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = format({ day: "numeric", month: "short" });
const DAY_YEAR = format({ day: "numeric", month: "short", year: "numeric" });
const WEEKDAY = format({ weekday: "short", day: "numeric", month: "short", year: "numeric" });

export function millis(at: Moment): number {
  return at instanceof Date ? at.getTime() : typeof at === "number" ? at : Date.parse(at);
}

/** 14:32, or 14:32:05. */
export function clock(at: Moment, seconds = false): string {
  return (seconds ? TIME_S : TIME).format(millis(at));
}

/** 22 Nov, with its year where that is not this one. */
export function day(at: Moment, now: number = Date.now()): string {
  const same = new Date(millis(at)).getFullYear() === new Date(now).getFullYear();
  return (same ? DAY : DAY_YEAR).format(millis(at)).replace("Sept", "Sep");
}

/** 22 Nov, 14:32, with its year where that is not this one. */
export function moment(at: Moment, now: number = Date.now()): string {
  return `${day(at, now)}, ${clock(at)}`;
}

/** Sun 22 Nov 2026, 14:32. */
export function longMoment(at: Moment): string {
  return `${WEEKDAY.format(millis(at)).replace(",", "").replace("Sept", "Sep")}, ${clock(at)}`;
}

/** 2026-11-22 13:32:05 UTC. */
export function utc(at: Moment): string {
  return `${new Date(millis(at)).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Whether a moment is told as an age: it is past and less than 24 hours ago. */
export function isRecent(at: Moment, now: number): boolean {
  const age = now - millis(at);
  return age < DAY_MS && age > -MINUTE_MS;
}

/** 2 s ago, 3 min ago, 6 h ago; a day and older as a moment, of another year as a day. */
export function ago(at: Moment, now: number): string {
  const age = Math.max(now - millis(at), 0);
  const sameYear = new Date(millis(at)).getFullYear() === new Date(now).getFullYear();
  if (!isRecent(at, now)) return sameYear ? moment(at, now) : day(at, now);
  return `${duration(age / SECOND_MS)} ago`;
}

/** How long, in its largest unit: 12 s, 3 min, 6 h, 2 d. */
export function duration(seconds: number): string {
  const ms = seconds * SECOND_MS;
  if (ms < MINUTE_MS) return `${Math.floor(seconds)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${number(Math.floor(ms / DAY_MS))} d`;
}

/** A stretch of time in two units: 48 min, 1 h 05 min. */
export function stretch(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return `${Math.round(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  return `${number(Math.floor(minutes / 60))} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** The zone that times are told in: CET, GMT+2. */
export function zone(now: number = Date.now()): string {
  const parts = new Intl.DateTimeFormat(LANGUAGE, { timeZoneName: "short" }).formatToParts(now);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "UTC";
}

/** The end of a local day as a moment, or null without one. */
export function endOfDay(day: string): string | null {
  if (day === "") return null;
  const end = new Date(`${day}T23:59:59`);
  return Number.isNaN(end.getTime()) ? null : end.toISOString();
}

/** A local day as a field holds it. */
export function dayAfter(days: number, now = new Date()): string {
  const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}
