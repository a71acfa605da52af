import { describe, expect, it } from "vitest";

import type { Telemetry } from "../data";
import { briefOf, detailOf, sharesOf } from "./Headline";
import { healthSpec, type HealthHistory } from "./health";
import { askedFor, eventsOf, liveSpec } from "./live";
import { added } from "./useTail";

const at = (minute: number): string => new Date(Date.UTC(2026, 10, 22, 12, minute)).toISOString();
const ms = (minute: number): number => Date.parse(at(minute));

const telemetry: Telemetry = {
  vehicle_id: "HF-1",
  start: at(0),
  end: at(60),
  step_ms: 60_000,
  samples: 3,
  time_ms: [ms(0), ms(1), ms(2)],
  signals: [
    {
      name: "pack_voltage_v",
      unit: "V",
      min: [350, null, 352],
      max: [360, null, 352],
      mean: [355, null, 352],
    },
    { name: "cell_temp_avg_c", unit: "°C", min: [20, 20, 20], max: [20, 20, 20], mean: [20, 20, 20] },
    {
      name: "soc_pct",
      unit: "%",
      min: [null, null, null],
      max: [null, null, null],
      mean: [null, null, null],
    },
  ],
  marks: [],
};
const wanted = {
  telemetry,
  tail: new Map(),
  temperature: "c",
  reach: [ms(0), ms(60)],
  view: [ms(0), ms(2)],
} as const;

describe("live strips", () => {
  it("leave out what has no values", () => {
    expect(liveSpec(wanted).panels.map((panel) => panel.id)).toEqual(["pack_voltage_v", "cell_temp_avg_c"]);
  });
  it("go on with what came since, once", () => {
    const signals = [
      { name: "pack_voltage_v", value: 349, at: at(3) },
      { name: "is_charging", value: true, at: at(3) },
    ];
    const tail = added(added(new Map(), signals), signals);
    const [voltage] = liveSpec({ ...wanted, tail, view: [ms(0), ms(3)] }).panels;
    expect(voltage!.series[0]).toMatchObject({
      x: [ms(0), ms(2), ms(3)],
      mean: [355, 352, 349],
      end: "349",
    });
  });
  it("add nothing to a range that what came lies outside of, and something within steps that have no value yet", () => {
    const tail = added(new Map(), [{ name: "pack_voltage_v", value: 349, at: at(90) }]);
    const [voltage] = liveSpec({ ...wanted, tail }).panels;
    expect(voltage!.series[0]).toMatchObject({ x: [ms(0), ms(2)] });
    const ahead = {
      ...telemetry,
      time_ms: [...telemetry.time_ms, ms(59)],
      signals: telemetry.signals.map((one) => ({
        ...one,
        min: [...one.min, null],
        max: [...one.max, null],
        mean: [...one.mean, null],
      })),
    };
    const now = added(new Map(), [{ name: "pack_voltage_v", value: 349, at: at(3) }]);
    const [later] = liveSpec({ ...wanted, telemetry: ahead, tail: now, view: [ms(0), ms(3)] }).panels;
    expect(later!.series[0]).toMatchObject({ x: [ms(0), ms(2), ms(3)], end: "349" });
  });
  it("write no value at the end that is old", () => {
    const [voltage] = liveSpec({ ...wanted, view: [ms(0), ms(60)] }).panels;
    expect(voltage!.series[0]).not.toHaveProperty("end");
  });
  it("are in the units that are liked", () => {
    const [, temperature] = liveSpec({ ...wanted, temperature: "f" }).panels;
    expect(temperature!.unit).toBe("°F");
    expect(temperature!.series[0]).toMatchObject({ mean: [68, 68, 68] });
  });
});

describe("events", () => {
  it("name an update with the charge that led to it", () => {
    const marks: Telemetry["marks"] = [
      { at: at(5), until: at(30), kind: "charge", label: "Charge 7", severity: null, ref: "7" },
      {
        at: at(31),
        until: null,
        kind: "recalibration",
        label: "Recalibrated to version 22",
        severity: null,
        ref: "22",
      },
      { at: at(40), until: at(50), kind: "drive", label: "Drive 8", severity: null, ref: "8" },
      { at: at(45), until: null, kind: "alarm", label: "P0BBE", severity: 2, ref: "a" },
    ];
    const told = eventsOf({ marks, end: at(60) }).map(({ label, tone }) => [label, tone]);
    expect(told).toEqual([
      ["charge", "ink"],
      ["charge ends · update v22", "accent"],
      ["P0BBE", "warn"],
    ]);
  });
});

describe("what is asked for", () => {
  it("stays the same while little moves", () => {
    const view = [ms(0), ms(120)] as const;
    expect(askedFor(view, true)).toEqual(askedFor([view[0] + 1000, view[1] + 1000], true));
    const asked = askedFor(view, false);
    expect(asked.start).toBeLessThanOrEqual(view[0] - 3_600_000);
    expect(asked.end).toBeGreaterThanOrEqual(view[1] + 3_600_000);
  });
});

describe("health", () => {
  const health: HealthHistory = {
    vehicle_id: "HF-1",
    time_ms: [ms(0)],
    version: [1],
    capacity_pct: [68],
    capacity_sd_pct: [1],
    resistance_x: [1.3],
    resistance_sd_x: [null],
    distance_km: [0],
    new_capacity_ah: 180,
    cohort_median_pct: [null],
  };
  it("holds until now, on an axis that holds it", () => {
    const { panels, x } = healthSpec(health, "capacity", ms(9));
    expect(x.max).toBe(ms(9));
    expect(panels[0]!.y).toMatchObject({ min: 60, max: 100 });
    expect(panels[0]!.series[0]).toMatchObject({ low: [66, 66], high: [70, 70] });
  });
  it("has no band where the spread is not known", () => {
    expect(healthSpec(health, "resistance", ms(0)).panels[0]!.series[0]).toMatchObject({
      low: [null],
      high: [null],
    });
  });
});

describe("words", () => {
  it("leave out what the link says", () => {
    expect(detailOf("Version 31 replaced version 30 after trip 220 (2024-06-11). Capacity health …")).toBe(
      "Capacity health …",
    );
  });
  it("is told in short by the health and by what gave rise to it", () => {
    const health =
      "Capacity health 85.8 ± 1.8 → 86.2 ± 1.4 %: +0.4 pts, better knowledge (earlier put it too low).";
    const others =
      "Resistance R₀ 1.191 → 1.194 × new: +0.002, wear. Trip 244 was predicted to 0.73 V by version 52.";
    const text = `Version 53 replaced version 52 after trip 244 (2026-10-27). ${health} ${others} Error 0.73 V over the limit.`;
    expect(briefOf(text)).toBe("Capacity health 85.8 ± 1.8 → 86.2 ± 1.4 %. Error 0.73 V over the limit.");
    expect(briefOf(health)).toBe("Capacity health 85.8 ± 1.8 → 86.2 ± 1.4 %.");
    expect(briefOf("Capacity and resistance stay as they were.")).toBe(
      "Capacity and resistance stay as they were.",
    );
  });
  it("names only the shares that show", () => {
    expect(sharesOf({ wear_pts: 0, knowledge_pts: 0.38 })).toBe("+0.4 better measured. ");
    expect(sharesOf({ wear_pts: -0.84, knowledge_pts: -0.2 })).toBe("−0.8 wear, −0.2 better measured. ");
    expect(sharesOf({ wear_pts: 0, knowledge_pts: 0 })).toBe("");
  });
});
