import { describe, expect, it } from "vitest";
import { csv } from "./csv";
import { count, digitsFor, estimate, number, range, signed } from "./number";
import { ago, day, duration, stretch, utc } from "./moments";
import { formatter } from "./units";

const THIN = "\u202f";
const NBSP = "\u00a0";

describe("figures", () => {
  it("have a thin space in thousands and a real minus", () => {
    expect(number(1248)).toBe(`1${THIN}248`);
    expect(number(-1234567.8, 1)).toBe(`−1${THIN}234${THIN}567.8`);
    expect(number(999)).toBe("999");
  });
  it("are never minus zero", () => {
    expect(number(-0.04, 1)).toBe("0.0");
    expect(signed(0.04, 1)).toBe("0.0");
  });
  it("show the sign of a difference", () => {
    expect(signed(2.71)).toBe("+2.7");
    expect(signed(-2.71)).toBe("−2.7");
  });
  it("say that there is none", () => {
    for (const none of [null, undefined, NaN, Infinity]) expect(number(none, 1)).toBe("–");
  });
  it("count in words", () => {
    expect(count(1, "vehicle")).toBe(`1${NBSP}vehicle`);
    expect(count(0, "vehicle")).toBe(`0${NBSP}vehicles`);
    expect(range(90.7, 94.6)).toBe("90.7–94.6");
  });
});

describe("digits", () => {
  it.each([
    [1.7, 1],
    [2.8, 1],
    [0.85, 1],
    [0.17, 2],
    [4.2, 0],
    [42, 0],
    [0.0031, 4],
    [0, 1],
  ])("of an uncertainty of %f are %i decimals", (half, digits) => {
    expect(digitsFor(half)).toBe(digits);
  });
  it("are the same for a figure and its uncertainty", () => {
    expect(estimate(87.4213, 1.7)).toEqual({ value: "87.4", half: "1.7", digits: 1 });
    expect(estimate(null, null).value).toBe("–");
  });
});

describe("units", () => {
  it("follow what one likes", () => {
    const metric = formatter({ distance: "km", temperature: "c" });
    const other = formatter({ distance: "mi", temperature: "f" });
    expect(metric.distance(171200)).toBe(`171${THIN}200${NBSP}km`);
    expect(other.distance(100)).toBe(`62${NBSP}mi`);
    expect(other.temperature(-10)).toBe(`14${NBSP}°F`);
    expect(metric.temperature(-10)).toBe(`−10${NBSP}°C`);
    expect(other.distance(null)).toBe("–");
    expect(other.fromDistance(other.toDistance(123))).toBeCloseTo(123);
  });
});

describe("moments", () => {
  const now = Date.parse("2026-11-22T13:31:00Z");
  it.each([
    [2, "2 s ago"],
    [185, "3 min ago"],
    [6.5 * 3600, "6 h ago"],
  ])("%d seconds old are told as an age", (seconds, text) => {
    expect(ago(now - seconds * 1000, now)).toBe(text);
  });
  it("a day old are told as a moment", () => {
    expect(ago("2026-11-20T12:30:00Z", now)).toMatch(/^20 Nov, \d\d:30$/);
    expect(day("2025-09-20T12:30:00Z", now)).toBe("20 Sep 2025");
    expect(ago("2025-09-20T12:30:00Z", now)).toBe("20 Sep 2025");
  });
  it("of a clock that runs ahead are not in the future", () => {
    expect(ago(now + 2000, now)).toBe("0 s ago");
  });
  it("are told in UTC too", () => {
    expect(utc("2026-11-22T14:31:05+01:00")).toBe("2026-11-22 13:31:05 UTC");
  });
  it("stretches have their largest units", () => {
    expect(duration(200000)).toBe("2 d");
    expect(stretch(3900)).toBe("1 h 05 min");
    expect(stretch(48 * 60)).toBe("48 min");
  });
});

describe("CSV", () => {
  it("runs no text as a formula, and leaves numbers alone", () => {
    expect(csv(["a"], [["=1+1"], ["@x"], [" +x"], [-2.5], ["-x"], ["\tx"]])).toBe(
      "a\r\n'=1+1\r\n'@x\r\n' +x\r\n-2.5\r\n'-x\r\n'\tx\r\n",
    );
  });
  it("quotes what has to be", () => {
    expect(csv(["a", "b"], [['say "x", y', null]])).toBe('a,b\r\n"say ""x"", y",\r\n');
  });
});
