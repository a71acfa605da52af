/** What an owner's page works out from what is read: range, habits, and words without jargon. */

import { digitsFor, number, type Formatter } from "@/format";
import type { Schemas } from "@/api/client";

export type Detail = Schemas["VehicleDetail"];
export type Trip = Schemas["Trip"];

/** So many trips at least say how one drives. */
const FEW_TRIPS = 5;
const SHORTEST_KM = 2;
/** A charge that reaches half of the capacity in an hour is not one at home. */
const FAST_C_RATE = 0.5;
const FULL_PCT = 90;

export interface Spread {
  low: number;
  middle: number;
  high: number;
}

function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? 0;
  return below + ((sorted[Math.ceil(at)] ?? below) - below) * (at - Math.floor(at));
}

/**
 * How far one comes with what is charged: the energy that is in the battery, over what the last trips used. The spread is
 * that of those trips, p10 to p90. Null when too few are known.
 */
export function rangeKm(detail: Detail, chargedPct: number | null, trips: readonly Trip[]): Spread | null {
  const energy = detail.pack?.energy_kwh ?? null;
  const health = detail.capacity.value;
  if (energy === null || health === null || chargedPct === null) return null;
  const uses = trips
    .filter((trip) => (trip.distance_km ?? 0) >= SHORTEST_KM && (trip.kwh_per_100km ?? 0) > 0)
    .map((trip) => trip.kwh_per_100km ?? 0)
    .sort((a, b) => a - b);
  if (uses.length < FEW_TRIPS) return null;
  const kwh = energy * (health / 100) * (chargedPct / 100);
  const km = (use: number) => (100 * kwh) / use;
  return { low: km(quantile(uses, 0.9)), middle: km(quantile(uses, 0.5)), high: km(quantile(uses, 0.1)) };
}

export const isFast = (trip: Trip): boolean => (trip.c_rate_max ?? 0) > FAST_C_RATE;
export const isFull = (trip: Trip): boolean => (trip.soc_end_pct ?? 0) > FULL_PCT;

export interface Habits {
  charges: number;
  fast: number;
  full: number;
  chargedKwh: number;
  trips: number;
  km: number;
  kwhPer100km: number | null;
}

/** What was done since a moment. */
export function habits(sessions: readonly Trip[], since: number): Habits {
  const those = sessions.filter((trip) => Date.parse(trip.start) >= since);
  const charges = those.filter((trip) => trip.kind === "charging");
  const drives = those.filter((trip) => trip.kind === "driving");
  const sum = (of: readonly Trip[], value: (trip: Trip) => number | null) =>
    of.reduce((total, trip) => total + (value(trip) ?? 0), 0);
  const told = drives.filter((trip) => trip.kwh_per_100km !== null && trip.distance_km !== null);
  const km = sum(told, (trip) => trip.distance_km);
  return {
    charges: charges.length,
    fast: charges.filter(isFast).length,
    full: charges.filter(isFull).length,
    chargedKwh: sum(charges, (trip) => trip.energy_in_kwh),
    trips: drives.length,
    km: sum(drives, (trip) => trip.distance_km),
    kwhPer100km:
      km > 0 ? sum(told, (trip) => ((trip.kwh_per_100km ?? 0) * (trip.distance_km ?? 0)) / km) : null,
  };
}

/** How the battery stands beside those of similar cars, in one sentence. */
export function besideSimilar(detail: Detail): string {
  const { value, sd } = detail.capacity;
  const median = detail.cohort_median_pct;
  if (value === null || median === null) return "There are not enough similar cars yet to compare with.";
  const away = value - median;
  const unsure = 2 * (sd ?? 0);
  if (Math.abs(away) <= unsure) return "About the same as similar cars";
  const points = number(Math.abs(away), digitsFor(unsure, 1));
  return `${points} points ${away < 0 ? "below" : "above"} similar cars`;
}

/** Half of the words "similar cars", and how far "80 %" reaches to both sides of its tick, in pixels. */
const HALF_WORDS = 36;
const BEFORE_TICK = 8;
const AFTER_TICK = 22;
const APART = 6;
/** So far along, the words have room before the tick on the narrowest screen. */
const ROOM_BEFORE = 0.35;

/**
 * Where the middle of "similar cars" goes over a scale: over the band, but never on the name of the 80 % tick nor past an end.
 *
 * @param tick - Where the tick is, as a share of the scale.
 * @param middle - Where the middle of the band is.
 */
export function similarAt(tick: number, middle: number): string {
  const pct = (share: number) => `${(share * 100).toFixed(2)}%`;
  const before = middle < tick && tick > ROOM_BEFORE;
  const low = before ? `${HALF_WORDS}px` : `calc(${pct(tick)} + ${AFTER_TICK + APART + HALF_WORDS}px)`;
  const high = before
    ? `calc(${pct(tick)} - ${BEFORE_TICK + APART + HALF_WORDS}px)`
    : `calc(100% - ${HALF_WORDS}px)`;
  return `clamp(${low}, ${pct(middle)}, ${high})`;
}

/** What charging and driving were like, in one sentence; empty when nothing happened. */
export function habitText(made: Habits, format: Formatter): string {
  const parts = [
    made.trips > 0 && `${format.distance(made.km)} driven`,
    made.charges > 0 &&
      `${many(made.charges, "charge")}${made.fast > 0 ? `, ${number(made.fast)} of them fast` : ""}`,
    made.full > 0 && `${number(made.full)} to above ${FULL_PCT}\u00a0%`,
  ].filter((part) => part !== false);
  return parts.join("; ");
}

const many = (value: number, one: string) => `${number(value)} ${one}${value === 1 ? "" : "s"}`;
