import { describe, expect, it } from "vitest";

import { paletteOf } from "@/charts/palette";
import { contrast, endOf, heat } from "./heat";
import { stepped } from "./HeatMap";
import { layerOf, placeOf, saidOf, toldOf, type CellFrame } from "./layers";
import { viewOf } from "./index";
import { cellSpec, rankedCells, rankedSpec, standing } from "./specs";

const frame: CellFrame = {
  vehicle_id: "HF-1",
  at: "2026-11-22T13:21:40Z",
  voltage_v: [3.56, 3.498, 3.57, null],
  deviation_mv: [0, -62, 10, null],
  temp_c: [20, 21, 20, 20],
  rank: [2, 3, 1, null],
  z: [0, -12.2, 1.9, null],
  probes_c: [20, 21],
  modules: 2,
  cells_per_module: 2,
  median_v: 3.56,
  spread_mv: 72,
  current_a: -168,
};
const light = paletteOf("light");

describe("heat", () => {
  it.each([
    [[-62, 24], 60],
    [[-23, 6], 30],
    [[1], 10],
    [[-109, 4], 100],
  ])("of %j reaches to %i", (values, end) => {
    expect(endOf(values, 10)).toBe(end);
  });
  it("is symmetric and clipped", () => {
    expect(heat(0, light).ground).toBe("rgb(244 244 241)");
    expect(heat(-1, light).ground).toBe("rgb(180 83 47)");
    expect(heat(-3, light)).toEqual(heat(-1, light));
    expect(heat(1, light).ground).toBe("rgb(11 114 133)");
  });
  it("has text that can be read, in both themes", () => {
    const rgb = (text: string) =>
      text.match(/\d+/g)!.map(Number) as unknown as readonly [number, number, number];
    for (const palette of [light, paletteOf("dark")]) {
      for (let part = -1; part <= 1; part += 0.1) {
        const { ground, text } = heat(part, palette);
        expect(contrast(rgb(ground), rgb(text))).toBeGreaterThanOrEqual(4.5);
      }
    }
  });
});

describe("cells", () => {
  it("are named as they sit in the pack", () => {
    expect(placeOf(82, 8)).toEqual({ module: 11, place: 2 });
    expect(saidOf(frame, 2)).toBe("cell 2, module 1, minus 62 millivolts, rank 3 of 4");
    expect(saidOf(frame, 4)).toBe("cell 4, module 2, no value");
    expect(toldOf(frame, 2)).toBe("cell 2 (M1, 2) · 3.498 V · rank 3 of 4 · z −12.2");
  });
  it("show a value with its sign, and none where there is none", () => {
    const layer = layerOf("dv", frame, light, "c");
    expect([1, 2, 3, 4].map(layer.text)).toEqual(["0", "−62", "10", "–"]);
    expect(layer.heat(4)).toBeNull();
    expect(layer.scale.map(({ text }) => text)).toEqual(["−60", "−30", "0", "+30", "+60"]);
  });
  it("are in the units that are liked", () => {
    expect(layerOf("t", frame, light, "f").text(1)).toBe("68.0");
  });
  it("are ranked from the lowest, without those that have no value", () => {
    expect(rankedCells(frame)).toEqual([
      [2, -62],
      [1, 0],
      [3, 10],
    ]);
    expect(standing(frame)).toBe("cell 2 sits 12σ low");
    const [panel] = rankedSpec(frame, 2, light).panels;
    expect(panel!.series.at(-1)).toMatchObject({ id: "chosen", x: [1], labels: ["cell 2, −62 mV"] });
  });
});

describe("moving", () => {
  it("goes down a module and over to the next, and stays inside", () => {
    const at = (key: string, cell: number) => stepped(key, cell, 96, 8);
    expect(at("ArrowDown", 1)).toBe(2);
    expect(at("ArrowDown", 8)).toBe(8);
    expect(at("ArrowUp", 9)).toBe(9);
    expect(at("ArrowRight", 8)).toBe(16);
    expect(at("ArrowRight", 90)).toBe(90);
    expect(at("ArrowLeft", 3)).toBe(3);
    expect(at("Home", 40)).toBe(1);
    expect(at("x", 40)).toBeNull();
  });
  it("keeps a moment within the range that holds it", () => {
    const day = 86_400_000;
    expect(viewOf("day", 10 * day - 5, 10 * day)).toEqual([9 * day, 10 * day]);
    expect(viewOf("day", 7.5 * day, 10 * day)).toEqual([7 * day, 8 * day]);
  });
});

describe("one cell", () => {
  it("is named with its deviation where the frame was taken", () => {
    const series = {
      vehicle_id: "HF-1",
      cell: 2,
      time_ms: [0],
      voltage_v: [3.5],
      median_v: [3.56],
      p10_v: [3.55],
      p90_v: [3.57],
    };
    const at = new Date(2026, 10, 22, 14, 21, 40).getTime();
    expect(cellSpec(series, { at, mv: -62 }).events).toMatchObject([{ x: at, label: "−62 mV at 14:21:40" }]);
  });
});
