/** Distance and temperature as the one who looks likes to read them; the API always speaks km and °C. */

import { number, quantity } from "./number";

export type DistanceUnit = "km" | "mi";
export type TemperatureUnit = "c" | "f";

const MILES_PER_KM = 0.621371192;

/** Kilometres as a figure of the unit. */
export function distanceIn(km: number, unit: DistanceUnit): number {
  return unit === "mi" ? km * MILES_PER_KM : km;
}

/** A figure of the unit as kilometres. */
export function kmFrom(value: number, unit: DistanceUnit): number {
  return unit === "mi" ? value / MILES_PER_KM : value;
}

/** Degrees Celsius as a figure of the unit. */
export function temperatureIn(celsius: number, unit: TemperatureUnit): number {
  return unit === "f" ? celsius * 1.8 + 32 : celsius;
}

/** A difference of temperatures: no offset. */
export function temperatureStepIn(kelvin: number, unit: TemperatureUnit): number {
  return unit === "f" ? kelvin * 1.8 : kelvin;
}

export function temperatureUnitText(unit: TemperatureUnit): string {
  return unit === "f" ? "°F" : "°C";
}

/** Use of energy over a distance, kWh per 100 of the unit. */
export function per100In(kwhPer100km: number, unit: DistanceUnit): number {
  return unit === "mi" ? kwhPer100km / MILES_PER_KM : kwhPer100km;
}

/** All of it bound to what one likes. */
export function formatter(units: { distance: DistanceUnit; temperature: TemperatureUnit }) {
  const degrees = temperatureUnitText(units.temperature);
  const some = (value: number | null | undefined, turn: (v: number) => number) =>
    value == null ? null : turn(value);
  const distance = (km: number | null | undefined) => some(km, (v) => distanceIn(v, units.distance));
  const temperature = (celsius: number | null | undefined) =>
    some(celsius, (v) => temperatureIn(v, units.temperature));
  return {
    distanceUnit: units.distance,
    temperatureUnit: degrees,
    /** The figure alone, for a column whose heading says the unit. */
    distanceValue: (km: number | null | undefined, digits = 0) => number(distance(km), digits),
    distance: (km: number | null | undefined, digits = 0) => quantity(distance(km), digits, units.distance),
    temperatureValue: (celsius: number | null | undefined, digits = 0) =>
      number(temperature(celsius), digits),
    temperature: (celsius: number | null | undefined, digits = 0) =>
      quantity(temperature(celsius), digits, degrees),
    per100: (kwh: number | null | undefined, digits = 1) =>
      quantity(
        some(kwh, (v) => per100In(v, units.distance)),
        digits,
        `kWh/100${"\u202f"}${units.distance}`,
      ),
    toDistance: (km: number) => distanceIn(km, units.distance),
    toTemperature: (celsius: number) => temperatureIn(celsius, units.temperature),
    fromDistance: (value: number) => kmFrom(value, units.distance),
  };
}

export type Formatter = ReturnType<typeof formatter>;
