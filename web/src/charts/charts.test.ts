import { describe, expect, it } from "vitest";

import { annotations, bandPolygons } from "./annotations";
import { gapsOf, hasData, xExtent, yExtent } from "./extent";
import { withGaps } from "./gaps";
import { apart, frameOf } from "./layout";
import { optionOf, stepPairs, zigzag } from "./option";
import { paletteOf } from "./palette";
import { nearest, pointAt, readingsAt, stopsOf, summaryOf } from "./reading";
import { csvOf, tablesOf } from "./rows";
import { decimals, linear, momentText, niceTicks, ticksWithin, timeTicks } from "./scale";
import { zoomedTo } from "./useChartKeys";
import { shifted } from "./useChartPointer";
import type { ChartSpec, Panel } from "./spec";

const voltage: ChartSpec = {
  name: "Voltage",
  x: { kind: "value", label: "Trip", whole: true },
  panels: [
    {
      id: "v",
      unit: "V",
      digits: 1,
      limits: [{ y: 12, label: "limit 12", tone: "warn" }],
      series: [
        {
          kind: "band",
          id: "b",
          name: "±2σ",
          tone: "estimated",
          x: [1, 2, 3, 4],
          low: [1, 2, null, 4],
          high: [3, 4, null, 6],
        },
        {
          kind: "line",
          id: "l",
          name: "living twin",
          tone: "estimated",
          x: [1, 2, 3, 4],
          y: [2, 3, null, 5],
          end: "5 V",
        },
      ],
    },
  ],
};
const SIZE = { width: 600, height: 200 };

describe("ticks", () => {
  it.each([
    [0, 6, 5, [0, 2, 4, 6]],
    [312, 391, 4, [300, 350, 400]],
    [-168, 152, 2, [-200, 0, 200]],
    [0.2, 0.2, 5, [0.198, 0.199, 0.2, 0.201, 0.202]],
  ])("from %f to %f are round and at most %i", (low, high, count, values) => {
    expect(niceTicks(low, high, count).values).toEqual(values);
  });
  it("stay inside a range that is fixed", () => {
    expect(ticksWithin(70, 100, 5).values).toEqual([70, 80, 90, 100]);
    expect(ticksWithin(3, 1203, 6).values).toEqual([200, 400, 600, 800, 1000, 1200]);
  });
  it("have as many digits as their step", () => {
    expect([1, 0.5, 0.25, 20, 1e-3].map(decimals)).toEqual([0, 1, 2, 0, 3]);
  });
  it("of time are round in local time", () => {
    const at = new Date(2026, 10, 22, 12, 32).getTime();
    const { texts } = timeTicks(at, at + 2 * 3600_000, 8);
    expect(texts).toEqual(["12:45", "13:00", "13:15", "13:30", "13:45", "14:00", "14:15", "14:30"]);
    const months = timeTicks(new Date(2023, 2, 5).getTime(), new Date(2026, 10, 22).getTime(), 5);
    expect(months.texts).toEqual(["2024", "2025", "2026"]);
    const days = timeTicks(new Date(2026, 10, 1, 5).getTime(), new Date(2026, 10, 5).getTime(), 5);
    expect(days.texts).toEqual(["2 Nov", "3 Nov", "4 Nov", "5 Nov"]);
  });
  it("say the day at midnight", () => {
    const at = new Date(2026, 10, 22, 18).getTime();
    expect(timeTicks(at, at + 12 * 3600_000, 4).texts).toEqual([
      "18:00",
      "21:00",
      "23 Nov",
      "03:00",
      "06:00",
    ]);
  });
});

describe("scales", () => {
  it("go there and back", () => {
    const scale = linear(10, 20, 100, 0);
    expect(scale(15)).toBe(50);
    expect(scale.back(25)).toBe(17.5);
    expect(linear(1, 1, 0, 9)(1)).toBe(0);
  });
});

describe("extents", () => {
  it("hold the data, the bands and the limits", () => {
    expect(xExtent(voltage)).toEqual([1, 4]);
    expect(yExtent(voltage.panels[0]!)).toEqual([1, 12]);
    expect(hasData(voltage)).toBe(true);
    expect(hasData({ ...voltage, panels: [{ id: "e", series: [] }] })).toBe(false);
  });
  it("find long gaps, also the one at the end", () => {
    expect(gapsOf([0, 1, 2, 8, 9, 10], [1, 1, null, 1, 1, null], 5, [-9, 20])).toEqual([
      [-9, 0],
      [1, 8],
      [9, 20],
    ]);
    expect(gapsOf([0, 9], [1, 1], 5, [0, 9])).toEqual([]);
  });
  it("join what comes seldom, and break where nothing came", () => {
    const x = [0, 1, 2, 3, 4, 64, 124, 9000];
    const y = [1, null, 1, 1, 1, 1, 1, 1];
    expect(withGaps(x, [y], 7200).x).toEqual([0, 2, 3, 4, 64, 124, 125, 9000]);
    expect(withGaps(x, [y], 7200).columns[0]!.at(-2)).toBeNull();
    expect(withGaps([], [[]], 10)).toEqual({ x: [], columns: [[]] });
  });
});

describe("layout", () => {
  it("leaves room for what is written at the ends", () => {
    const frame = frameOf(voltage, SIZE);
    expect(frame.right).toBeLessThan(SIZE.width - 40);
    expect(frame.panels[0]!.domain).toEqual([0, 15]);
    expect(frame.ticks.map((tick) => tick.text)).toEqual(["1", "2", "3", "4"]);
  });
  it("spans at least what is asked for", () => {
    const panel = {
      id: "t",
      y: { least: 10 },
      series: [{ ...voltage.panels[0]!.series[1]!, y: [77, 77.5, 78, 77] }],
    };
    const [low, high] = frameOf({ ...voltage, panels: [panel as Panel] }, SIZE).panels[0]!.domain;
    expect(high - low).toBeGreaterThanOrEqual(10);
    expect(low).toBeGreaterThan(60);
  });
  it("moves labels apart and keeps them inside", () => {
    const moved = apart([{ at: 50 }, { at: 52 }, { at: 99 }, { at: 99 }], 0, 100);
    const places = moved.map((label) => label.at);
    places.slice(1).forEach((at, i) => expect(at - places[i]!).toBeGreaterThanOrEqual(14));
    expect(Math.max(...places)).toBeLessThanOrEqual(107);
  });
  it("drops the name of an event that would lie on another", () => {
    const events = [
      { x: 2, label: "charge", tone: "ink" as const },
      { x: 2.01, label: "driving", tone: "ink" as const },
      { x: 3.9, label: "now", tone: "ink" as const, solid: true },
    ];
    const { labels } = frameOf({ ...voltage, events }, SIZE);
    expect(labels.map((label) => label.text)).toEqual(["now", "driving"]);
  });
  it("keeps the name of the more severe of two events", () => {
    const events = [
      { x: 2, label: "P0DAA", tone: "crit" as const },
      { x: 2.01, label: "TP-ISOLATION", tone: "note" as const },
    ];
    expect(frameOf({ ...voltage, events }, SIZE).labels.map((label) => label.text)).toEqual(["P0DAA"]);
  });
});

describe("drawing", () => {
  it("reaches minimum and maximum of every step and breaks at gaps", () => {
    const path = zigzag({ x: [0, 1, 2, 3], min: [1, 2, null, 4], max: [3, 5, null, 4] });
    expect(path).toEqual([
      [0, 1],
      [0, 3],
      [1, 2],
      [1, 5],
      [2, null],
      [3, 4],
    ]);
  });
  it("holds a step until the next", () => {
    expect(stepPairs({ x: [0, 5], y: [1, 2] })).toEqual([
      [0, 1],
      [5, 1],
      [5, 2],
    ]);
  });
  it("breaks bands at gaps and cuts them at the edges of the plot", () => {
    const frame = frameOf(voltage, SIZE, [1.5, 4]);
    const [first, ...rest] = bandPolygons(
      { x: [1, 2, 3, 4], low: [1, 2, null, 4], high: [3, 4, null, 6] },
      frame.panels[0]!,
      frame,
    );
    expect(rest).toEqual([]); // one point alone is no band
    expect(first![0]).toEqual([frame.left, frame.panels[0]!.y(3.5)]);
  });
  it("uses the colours of the theme", () => {
    const option = optionOf(frameOf(voltage, SIZE), paletteOf("dark")) as {
      series: { lineStyle: { color: string } }[];
    };
    expect(option.series[0]!.lineStyle.color).toBe("#4FC4D6");
  });
  it("writes a limit's name and ticks", () => {
    const texts = annotations(frameOf(voltage, SIZE), paletteOf("light")).map((shape) => shape.style["text"]);
    expect(texts).toEqual(expect.arrayContaining(["limit 12", "5 V", "10"]));
  });
});

describe("reading", () => {
  it("finds the nearest value", () => {
    expect(nearest([1, 2, 4], 2.9)).toBe(1);
    expect(nearest([1, 2, 4], 3.1)).toBe(2);
    expect(nearest([], 1)).toBe(-1);
  });
  it("tells the value of each line, and none where there is none", () => {
    expect(readingsAt(voltage, 4).map((reading) => reading.text)).toEqual(["5.0 V"]);
    expect(readingsAt(voltage, 3)).toEqual([]);
    expect(stopsOf(voltage)).toEqual([1, 2, 3, 4]);
  });
  it("finds the point under the pointer", () => {
    const points = {
      kind: "points",
      id: "p",
      name: "cells",
      tone: "measured",
      mark: "disc",
      x: [1, 2],
      y: [1, 9],
    } as const;
    const frame = frameOf({ ...voltage, panels: [{ id: "v", series: [points] }] }, SIZE);
    const panel = frame.panels[0]!;
    expect(pointAt(frame, frame.x(2) + 3, panel.y(9) - 3)).toEqual({ series: "p", index: 1 });
    expect(pointAt(frame, frame.x(1.5), panel.y(5))).toBeNull();
  });
  it("sums up in one sentence", () => {
    expect(summaryOf(voltage, String, [1, 4])).toBe(
      "Voltage, 1 to 4: living twin from 2.0 V to 5.0 V, last 5.0 V.",
    );
  });
});

describe("numbers", () => {
  it("of all that is drawn over the same x are one table", () => {
    const [table, ...others] = tablesOf(voltage);
    expect(others).toEqual([]);
    expect(table!.head).toEqual(["Trip", "±2σ low, V", "±2σ high, V", "living twin, V"]);
    expect(table!.rows[0]).toEqual([1, 1, 3, 2]);
    expect(table!.rows[2]).toEqual([3, null, null, null]);
  });
  it("are written with moments in UTC", () => {
    const spec: ChartSpec = {
      name: "T",
      x: { kind: "time", label: "Time" },
      panels: [
        { id: "t", series: [{ kind: "line", id: "t", name: "=T", tone: "measured", x: [0], y: [-1.5] }] },
      ],
    };
    expect(csvOf(spec)).toBe("Time,'=T\r\n1970-01-01T00:00:00.000Z,-1.5\r\n");
  });
});

describe("views", () => {
  it("pan no further than the data", () => {
    expect(shifted([10, 20], 5, [0, 100])).toEqual([15, 25]);
    expect(shifted([10, 20], -50, [0, 100])).toEqual([0, 10]);
    expect(shifted([85, 95], 50, [0, 100])).toEqual([90, 100]);
  });
  it("zoom about a place, and show all when wide enough", () => {
    expect(zoomedTo([0, 100], 20, 0.5, [0, 100])).toEqual([10, 60]);
    expect(zoomedTo([10, 60], 20, 8, [0, 100])).toBeNull();
  });
  it("tell moments as finely as the range needs", () => {
    const at = new Date(2026, 10, 22, 14, 21, 40).getTime();
    expect(momentText(at, 60_000)).toBe("14:21:40");
    expect(momentText(at, 7_200_000)).toBe("14:21");
    expect(momentText(at, 5e8)).toBe("22 Nov 14:21");
    expect(momentText(at, 5e10)).toBe("22 Nov 2026");
  });
});
