import { describe, expect, it } from "vitest";
import { formatter } from "@/format";
import { besideSimilar, habits, habitText, rangeKm, similarAt, type Detail, type Trip } from "./figures";

const KM = formatter({ distance: "km", temperature: "c" });
const trip = (of: Partial<Trip>): Trip =>
  ({ number: 1, kind: "driving", start: "2026-11-20T08:00:00Z", end: "2026-11-20T09:00:00Z", ...of }) as Trip;
const detail = (value: number | null, sd = 0.8, median: number | null = 90): Detail =>
  ({ capacity: { value, sd }, cohort_median_pct: median, pack: { energy_kwh: 60 } }) as unknown as Detail;

describe("range", () => {
  const drives = [14, 15, 16, 17, 18].map((kwh_per_100km) => trip({ kwh_per_100km, distance_km: 20 }));
  it("is the energy that is in the battery over what the last trips used", () => {
    const far = rangeKm(detail(90), 50, drives);
    expect(far?.middle).toBeCloseTo((100 * 60 * 0.9 * 0.5) / 16);
    expect(far?.low).toBeLessThan(far?.middle ?? 0);
    expect(far?.high).toBeGreaterThan(far?.middle ?? 0);
  });
  it("is not told of a few trips, or where health or charge are not known", () => {
    expect(rangeKm(detail(90), 50, drives.slice(1))).toBeNull();
    expect(rangeKm(detail(null), 50, drives)).toBeNull();
    expect(rangeKm(detail(90), null, drives)).toBeNull();
  });
});

describe("beside similar cars", () => {
  it.each([
    [detail(87.3), "2.7 points below similar cars"],
    [detail(93.1), "3.1 points above similar cars"],
    [detail(89.2), "About the same as similar cars"],
    [detail(89.2, 0.8, null), "There are not enough similar cars yet to compare with."],
  ])("a battery is told in one sentence", (one, text) => expect(besideSimilar(one)).toBe(text));
});

describe("the words over the scale", () => {
  it("stand over the band, and clear of the name of the tick and of both ends", () => {
    expect(similarAt(0.09, 0.5)).toBe("clamp(calc(9.00% + 64px), 50.00%, calc(100% - 36px))");
    expect(similarAt(0.09, 0.05)).toBe("clamp(calc(9.00% + 64px), 5.00%, calc(100% - 36px))");
    expect(similarAt(0.6, 0.5)).toBe("clamp(36px, 50.00%, calc(60.00% - 50px))");
  });
});

describe("habits", () => {
  const all = [
    trip({ distance_km: 30, kwh_per_100km: 20 }),
    trip({ distance_km: 10, kwh_per_100km: 16 }),
    trip({ distance_km: 99, start: "2026-01-01T00:00:00Z" }),
    trip({ kind: "charging", energy_in_kwh: 20, c_rate_max: 1.2, soc_end_pct: 95 }),
    trip({ kind: "charging", energy_in_kwh: 10, c_rate_max: 0.2, soc_end_pct: 80 }),
  ];
  const made = habits(all, Date.parse("2026-11-01T00:00:00Z"));
  it("are counted since a moment, the use by distance", () => {
    expect(made).toMatchObject({ trips: 2, km: 40, charges: 2, fast: 1, full: 1, chargedKwh: 30 });
    expect(made.kwhPer100km).toBeCloseTo(19);
  });
  it("are told without jargon", () => {
    expect(habitText(made, KM).replace(/\s/g, " ")).toBe(
      "40 km driven; 2 charges, 1 of them fast; 1 to above 90 %",
    );
    expect(habitText(habits([], 0), KM)).toBe("");
  });
});
