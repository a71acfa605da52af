import { describe, expect, it } from "vitest";
import { formatter } from "@/format";
import { bandOf, brushedDots, brushedSteps, quantile, wholeTicks } from "./chosen";
import { deviationScale } from "./columns";
import { sparkPath } from "./figures";
import { narrowed, orderText, queryOf, readFilters, readPart, writePart } from "./filters";
import type { Scatter } from "./read";
import { ends, scatterSpec } from "./scatterSpec";

const KM = formatter({ distance: "km", temperature: "c" });
const MI = formatter({ distance: "mi", temperature: "c" });

describe("an address", () => {
  it.each([
    ["76..84", { low: 76, high: 84 }],
    ["..80", { low: null, high: 80 }],
    ["80..", { low: 80, high: null }],
    ["..", null],
    ["80", null],
    ["a..b", null],
    [null, null],
  ])("%s is a part of an axis", (text, part) => {
    expect(readPart(text)).toEqual(part);
    if (part) expect(readPart(writePart(part))).toEqual(part);
  });
  it("holds the filters, and what is not understood is passed over", () => {
    const filters = readFilters(
      "?pack=Lark&reporting=gone&severity=9&sort=;drop&overdue=1&health=..80&by=age",
    );
    expect(queryOf(filters)).toEqual({ pack: "Lark", overdue: true, health_max: 80, sort: "deviation_pts" });
    expect(filters.over).toBe("age");
  });
  it("asks with both ends of a brush", () => {
    expect(queryOf(readFilters("?health=79..88&distance=88000..160000"))).toEqual({
      health_min: 79,
      health_max: 88,
      distance_min: 88000,
      distance_max: 160000,
      sort: "deviation_pts",
    });
  });
});

describe("a filter", () => {
  it("is told in words, a brush as one", () => {
    const filters = readFilters("?health=79..88&distance=88000..160000&severity=2&overdue=1&q=HF");
    expect(narrowed(filters, KM).map((one) => one.text.replace(/\s/g, " "))).toEqual([
      "health 79–88 %, 88 000–160 000 km",
      "warning or worse",
      "twin overdue",
      "“HF”",
    ]);
    expect(narrowed(filters, KM)[0]?.names).toContain("distance");
  });
  it("is told in the units that are liked", () => {
    expect(narrowed(readFilters("?distance=..160934"), MI)[0]?.text.replace(/\s/g, " ")).toBe(
      "below 100 000 mi",
    );
  });
  it("tells the order", () => {
    expect(orderText("deviation_pts")).toBe("sorted by deviation from cohort, lowest first");
    expect(orderText("-last_seen_at")).toBe("sorted by last seen, newest first");
  });
});

const dots: Scatter = {
  vehicle_id: ["a", "b", "c"],
  pack: ["Lark", "Lark", "Lark"],
  distance_km: [1000, 90_000, null],
  age_years: [0.1, 3, 4],
  health_pct: [99.5, 84.2, 84.9],
  deviation_pts: [0.1, -5.5, null],
  by_distance: [
    {
      pack: "Lark",
      x: [0, 1],
      p10_pct: [98, 97],
      median_pct: [99, 98],
      p90_pct: [100, 99],
      vehicles: [3, 3],
    },
  ],
  by_age: [],
};

describe("a brush", () => {
  it("holds dots within it; what is not known is in none", () => {
    expect(brushedDots(dots, readFilters("?health=80..90&distance=..100000"))).toEqual([false, true, false]);
    expect(brushedDots(dots, readFilters("?health=80..90"))).toEqual([false, true, true]);
  });
  it("is counted in the steps of the histogram", () => {
    expect(brushedSteps(dots, [true, true, true], [84, 85, 86])).toEqual([2, 0, 1]);
  });
});

describe("counts", () => {
  it.each([
    [1, [0, 1]],
    [2, [0, 1, 2]],
    [16, [0, 5, 10, 15, 20]],
    [177, [0, 50, 100, 150, 200]],
    [2341, [0, 500, 1000, 1500, 2000, 2500]],
  ])("up to %i have whole ticks", (most, ticks) => expect(wholeTicks(most)).toEqual(ticks));
});

describe("a band", () => {
  it("is the cohort's where one model is shown", () => {
    expect(bandOf(dots, "distance")?.name).toBe("cohort p10–p90");
  });
  it("is that of all models, and says so, where there are several", () => {
    const many = Array.from({ length: 200 }, (_, i) => i);
    const mixed: Scatter = {
      ...dots,
      vehicle_id: many.map(String),
      pack: many.map((i) => (i % 2 ? "Lark" : "Heron")),
      distance_km: many.map((i) => i * 1000),
      health_pct: many.map((i) => 100 - i / 20),
    };
    const band = bandOf(mixed, "distance");
    expect(band?.name).toBe("all models p10–p90");
    for (const [i, middle] of (band?.middle ?? []).entries()) {
      expect(band?.low[i]).toBeLessThanOrEqual(middle ?? 0);
      expect(band?.high[i]).toBeGreaterThanOrEqual(middle ?? 0);
    }
  });
  it("has quantiles between values", () => {
    expect([quantile([1, 2, 3], 0.5), quantile([1, 2], 0.5), quantile([], 0.5)]).toEqual([2, 1.5, null]);
  });
});

describe("the scatter", () => {
  it("names the brushed, in the unit that is liked", () => {
    const { x, panels } = scatterSpec(dots, [false, true, false], "distance", MI);
    const brushed = panels[0]?.series.find((series) => series.id === "brushed");
    expect(x.unit).toBe("mi");
    expect(brushed).toMatchObject({ ids: ["b"], labels: ["b"] });
    expect(brushed?.kind === "points" && brushed.x[0]).toBeCloseTo(55923.4, 1);
  });
  it("begins at zero unless all lies far from it", () => {
    expect(ends([1000, 90_000])[0]).toBe(0);
    expect(ends([1500, 2500])[0]).toBeGreaterThan(1400);
    expect(ends(null)).toEqual([0, 1]);
  });
});

describe("small pictures", () => {
  it("of the last months break where nothing is known", () => {
    expect(sparkPath([90, null, 88, 87]).path.match(/M/g)).toHaveLength(2);
    expect(sparkPath([null, null]).end).toBeNull();
  });
  it("of deviations share one scale", () => {
    expect(deviationScale([-7, null, 1])).toEqual({ low: -7, high: 2 });
  });
});
