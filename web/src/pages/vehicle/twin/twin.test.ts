import { describe, expect, it } from "vitest";

import type { Line } from "@/charts";
import type { Version } from "../data";
import { pairOf } from "./CompareDialog";
import { targets } from "./RollbackDialog";
import {
  coverageSpec,
  digitsOf,
  errorSpec,
  parameterSpec,
  placed,
  predictionSpec,
  type Prediction,
} from "./specs";

describe("errors", () => {
  const spec = errorSpec({
    vehicle_id: "HF-1",
    trip: [3, 5, 8],
    time_ms: [0, 1, 2],
    updated_rmse_v: [1.3, 0.5, 0.42],
    never_rmse_v: [1.5, 2, null],
    version: [1, 2, 2],
    decision: ["accepted", "kept", "refused"],
    threshold_v: 1.2,
  });
  const [panel] = spec.panels;
  it("mark what was decided at the error that led to it", () => {
    expect(panel!.series.find((series) => series.id === "accepted")).toMatchObject({ x: [3], y: [1.3] });
    expect(panel!.series.find((series) => series.id === "refused")).toMatchObject({ x: [8], y: [0.42] });
  });
  it("are named with their last values", () => {
    const ends = panel!.series
      .filter((series): series is Line => series.kind === "line")
      .map((line) => line.end);
    expect(ends).toEqual(["2.0 V", "0.42 V on v2"]);
    expect(panel!.limits).toMatchObject([{ y: 1.2, label: "limit 1.20" }]);
  });
});

describe("parameters", () => {
  it("do not go back to the first trip with a version that no trip gave rise to", () =>
    expect(placed([0, 12, 0, 0, 31])).toEqual([0, 12, 12, 12, 31]));
  const series = {
    name: "capacity_scale",
    label: "Capacity",
    unit: "Ah",
    trip: [0, 40],
    version: [1, 2],
    time_ms: [0, 1],
    mean: [180, 176],
    sd: [3, 1.5],
    never: 180,
    axis: [150, 190],
  };
  it("hold their last value to the last trip", () => {
    const [panel] = parameterSpec(series, 100).panels;
    expect(panel!.series[0]).toMatchObject({ x: [0, 40, 100], low: [174, 173, 173], high: [186, 179, 179] });
    expect(panel!.series[2]).toMatchObject({ x: [40], y: [176], ids: ["v2"] });
    expect(panel!.limits).toMatchObject([{ y: 180, at: "above" }]);
  });
  it("share an axis over vehicles, with round ends", () => {
    const [panel] = parameterSpec(series, 100).panels;
    expect(panel!.y).toMatchObject({ min: 140, max: 200 });
  });
  it.each([
    [[1.5], 1],
    [[0.008], 3],
    [[20], 0],
    [[null], 2],
  ])("of a spread of %j have %i digits", (sd, digits) => {
    expect(digitsOf({ sd })).toBe(digits);
  });
});

describe("a trip", () => {
  const shown: Prediction = {
    vehicle_id: "HF-1",
    trip: 9,
    kind: "driving",
    start: "2026-11-22T12:36:00Z",
    version: 22,
    samples: 3,
    scored_from_s: 60,
    time_s: [0, 60, 600],
    measured_v: [370, 371, null],
    updated_v: [370.5, 371.2, 372],
    updated_sd_v: [1, 1, 1],
    never_v: [373, 374, 375],
    never_sd_v: [2, 2, 2],
    challenger_v: [null, null, null],
    updated_rmse_v: 0.42,
    never_rmse_v: 3.6,
    challenger_rmse_v: null,
  };
  it("is told in minutes when it is long, else in seconds", () => {
    expect(predictionSpec(shown).x.unit).toBe("min");
    expect(predictionSpec({ ...shown, time_s: [0, 60, 100] }).x.unit).toBe("s");
  });
  it("has a residual only where something was measured", () => {
    const residual = predictionSpec(shown).panels[1]!.series.find(
      (series) => series.id === "residual",
    ) as Line;
    expect(residual.y.map((value) => (value === null ? null : Number(value.toFixed(3))))).toEqual([
      0.5,
      0.2,
      null,
    ]);
    expect(residual.end).toBe("v22 0.42");
  });
});

describe("coverage", () => {
  const rows = [
    { name: "All trips", updated_pct: 94.6, never_pct: 61, trips: 30 },
    { name: "Hardest ¼", updated_pct: 93.1, never_pct: null, trips: 7 },
  ];
  const spec = coverageSpec(rows, [93, 97]);
  it("has a row for each part, the first at the top", () => {
    expect(spec.panels[0]!.y!.ticks).toEqual([
      { value: 1, text: "All trips", strong: true },
      { value: 0, text: "Hardest ¼", strong: false },
    ]);
    expect(spec.x.min).toBe(50);
  });
  it("says all of it to those who do not see it", () => {
    expect(spec.summary).toContain("Hardest ¼: living twin 93.1 %, never updated – %");
  });
});

describe("versions", () => {
  it.each([
    ["20,22", [20, 22]],
    ["20,99", null],
    ["x,1", null],
    ["", null],
  ])("named %j are %j", (text, pair) => {
    expect(pairOf(text, 22)).toEqual(pair);
  });
  it("to go back to are those that were deployed before", () => {
    const version = (number: number, kind: Version["kind"], deployed = false) =>
      ({ number, kind, deployed }) as Version;
    const all = [
      version(4, "accepted", true),
      version(3, "refused"),
      version(2, "accepted"),
      version(1, "prototype"),
    ];
    expect(targets(all).map((one) => one.number)).toEqual([2, 1]);
  });
});
