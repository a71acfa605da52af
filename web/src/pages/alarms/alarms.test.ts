import { describe, expect, it } from "vitest";
import type { Schemas } from "@/api/client";
import { told, undoOf } from "./actions";
import { cellOf, shade } from "./cells";
import { evidenceSpec, unitOf } from "./evidence";
import { filtersOf, narrowed, queryOf, type Row } from "./filters";
import { figuresOf } from "./frame";
import { lifeOf } from "./lifecycle";
import { settle } from "./order";
import { snoozes } from "./snoozes";
import { standing } from "./StateMark";
import { palettes } from "@/styles/tokens";

const ROW: Row = {
  alarm_id: "a1b2c3d4e5f6",
  vehicle_id: "HF-0417",
  vehicle_label: "",
  fleet: "harbour",
  code: "P0BBE",
  title: "Cell voltage spread growing",
  subject: "cell 82",
  category: "battery",
  level: "alarm",
  severity: 2,
  state: "active",
  present: true,
  count: 3,
  first_at: "2026-11-19T07:36:44Z",
  last_at: "2026-11-22T13:21:44Z",
  raised_at: "2026-11-22T13:21:45Z",
  assignee: "",
  snoozed_until: null,
  muted_by: "",
  revision: 4,
};

describe("filters", () => {
  it("are read from the address, and what is wrong there is left out", () => {
    const filters = filtersOf("?view=closed&severity=3,2,9&vehicle=HF-0417&watch=1");
    expect(filters).toEqual({
      view: "closed",
      severities: [3, 2],
      code: "",
      vehicle: "HF-0417",
      watch: true,
    });
    expect(filtersOf("?view=nonsense").view).toBe("active");
    expect(narrowed(filtersOf("?view=mine"))).toBe(false);
  });
  it("ask for one's own by name, and for the watch list only when told", () => {
    const query = queryOf(filtersOf("?view=mine"), { username: "m.kern" });
    expect(query).toMatchObject({ assignee: "m.kern", level: "alarm", snoozed: false });
    expect(queryOf(filtersOf("?watch=1"), { username: "m.kern" }).level).toBeUndefined();
  });
});

describe("the order of the list", () => {
  const named = (one: string) => one;
  it("is that of the answer while nothing holds it", () => {
    expect(settle(["c", "a"], null, named)).toEqual({ shown: ["c", "a"], waiting: 0 });
  });
  it("waits with new ones while it is held, and drops those that are gone", () => {
    expect(settle(["new", "c", "a"], ["a", "b", "c"], named)).toEqual({ shown: ["a", "c"], waiting: 1 });
  });
  it("takes those that follow all that is shown, as when more are loaded", () => {
    expect(settle(["a", "b", "c", "d"], ["a", "b"], named)).toEqual({
      shown: ["a", "b", "c", "d"],
      waiting: 0,
    });
  });
});

describe("how an alarm stands", () => {
  const now = Date.parse("2026-11-22T14:00:00Z");
  it.each([
    [{}, "Active"],
    [{ state: "acknowledged" }, "Acknowledged"],
    [{ present: false }, "Healing"],
    [{ snoozed_until: "2026-11-23T00:00:00Z", present: false }, "Snoozed"],
    [{ snoozed_until: "2026-11-22T00:00:00Z" }, "Active"],
    [{ state: "cleared", present: false }, "Closed"],
  ] as const)("%o is %s", (changed, word) => {
    expect(standing({ ...ROW, ...changed }, now)).toBe(word);
  });
});

describe("the life of an alarm", () => {
  const event = (action: string, at: string) => ({ action, at, who: "", comment: "" });
  const detail = {
    alarm: ROW,
    history: [event("raised", "2026-11-19T07:36:44Z")],
    evidence: [] as Schemas["Evidence"][],
    debounce_s: 300 as number | null,
  };
  const names = (steps: ReturnType<typeof lifeOf>) =>
    steps.filter((one) => one.reached).map((one) => one.name);
  it("begins before the alarm by the time the condition must hold", () => {
    const [first] = lifeOf(detail);
    expect(first).toEqual({
      name: "First fail",
      at: "2026-11-19T07:31:44.000Z",
      reached: true,
      current: false,
    });
    expect(lifeOf({ ...detail, debounce_s: null })[0]?.name).toBe("Confirmed");
  });
  it("tells healing without an acknowledgement", () => {
    const healing = {
      ...detail,
      alarm: { ...ROW, present: false },
      history: [event("passed", "2026-11-20T00:00:00Z")],
    };
    expect(names(lifeOf(healing))).toEqual(["First fail", "Confirmed", "Healing"]);
    expect(lifeOf(healing).find((one) => one.current)?.at).toBe("2026-11-20T00:00:00Z");
  });
  it("takes an acknowledgement back that was taken back", () => {
    const back = { ...detail, history: [event("acknowledged", "2026-11-20T00:00:00Z")] };
    expect(names(lifeOf(back))).not.toContain("Acknowledged");
  });
});

const metric = { distance: "km", temperature: "c" } as const;
const imperial = { distance: "mi", temperature: "f" } as const;

describe("a freeze frame", () => {
  const values = {
    cell_v_min: 3.497,
    cell_v_min_cell: 82,
    cell_v_max: 3.583,
    temp_min_c: 25.1,
    temp_max_c: 27.6,
  };
  const texts = (units: Parameters<typeof figuresOf>[1], given: object) =>
    Object.fromEntries(
      figuresOf(given as Record<string, unknown>, units).map(({ name, text }) => [name, text]),
    );
  it("names cells, their spread and the range of temperatures", () => {
    expect(texts(metric, values)).toEqual({
      "Cell spread": "86\u00a0mV",
      "Lowest cell": "82 · 3.497\u00a0V",
      "Highest cell": "3.583\u00a0V",
      "Cell temperature": "25.1–27.6\u00a0°C",
    });
  });
  it("is in the units one likes", () => {
    const found = texts({ distance: "mi", temperature: "f" }, { speed_kmh: 100, ambient_temp_c: 0 });
    expect(found).toEqual({ Ambient: "32.0\u00a0°F", Speed: "62\u00a0mi/h" });
  });
  it("leaves out what programs need, and writes what it does not know", () => {
    expect(
      texts(metric, { because: "failed", limits: { a: 1 }, busbar_temp_c: 40, odd: true, is_charging: 1 }),
    ).toEqual({
      "Busbar temp": "40.0\u00a0°C",
      Odd: "yes",
      Charging: "yes",
    });
  });
});

describe("evidence", () => {
  const signals: Schemas["AlarmSignals"] = {
    alarm_id: ROW.alarm_id,
    start: "2026-11-22T13:11:44Z",
    end: "2026-11-22T13:31:44Z",
    raised_at: "2026-11-22T13:21:44Z",
    signals: [
      {
        name: "cell_v_spread",
        label: "cell spread",
        unit: "mV",
        time_ms: [1, 2],
        min: [80, null],
        max: [90, null],
        mean: [85, null],
        limit: 80,
        limit_label: "limit 80",
        above: true,
      },
    ],
    stretches: [{ start: "2026-11-22T13:16:44Z", end: "2026-11-22T13:21:44Z", kind: "debouncing" }],
    note: "",
  };
  it("is drawn against its limit, with the time that it must hold", () => {
    const spec = evidenceSpec(signals, "x", 300, metric);
    expect(spec.panels[0]?.limits).toEqual([{ y: 80, label: "limit 80", tone: "warn" }]);
    expect(spec.events?.map((one) => [one.tone, one.until !== undefined])).toEqual([
      ["warn", true],
      ["ink", false],
    ]);
    expect(unitOf(signals, metric)).toBe("cell spread, mV · 10 min each side");
  });
  it("is in the units one likes, its limit too", () => {
    const [spread] = signals.signals;
    const warm = {
      ...spread!,
      name: "temp_max_c",
      label: "hottest",
      unit: "°C",
      limit: 60,
      limit_label: "limit 60",
    };
    const both = { ...signals, signals: [warm] };
    const [panel] = evidenceSpec(both, "x", null, imperial).panels;
    expect(panel).toMatchObject({ unit: "°F", limits: [{ y: 140, label: "limit 140" }] });
    expect(panel?.series[0]).toMatchObject({ min: [176, null], mean: [185, null] });
    expect(unitOf(both, imperial)).toBe("hottest, °F · 10 min each side");
  });
  it("names the one signal in the heading alone", () => {
    const [spread] = signals.signals;
    const of = (...all: Schemas["AlarmSignal"][]) =>
      evidenceSpec({ ...signals, signals: all }, "x", null, metric).panels.map(({ label }) => label);
    const current = { ...spread!, name: "pack_current_a" };
    expect(of(spread!, current)).toEqual([undefined, "current, + charge"]);
    expect(of(spread!, { ...spread!, name: "other" })).toEqual(["cell spread, mV", "cell spread, mV"]);
  });
});

describe("acting", () => {
  it("is told in words", () => {
    expect(told([ROW], "acknowledge", {})).toBe("HF-0417 P0BBE acknowledged");
    expect(told([ROW, ROW], "assign", { assignee: "j.roux" })).toBe("2\u00a0alarms assigned to j.roux");
  });
  it("can be taken back where one thing takes it back for all", () => {
    expect(undoOf("snooze", [ROW])).toEqual({ action: "unsnooze", body: {} });
    expect(undoOf("assign", [{ ...ROW, assignee: "a" }])).toEqual({
      action: "assign",
      body: { assignee: "a" },
    });
    expect(undoOf("assign", [ROW, { ...ROW, assignee: "a" }])).toBeNull();
    expect(undoOf("clear", [ROW])).toBeNull();
  });
  it("puts off until a time that is to come, in order", () => {
    const now = new Date(2026, 10, 20, 23, 30);
    const times = snoozes(now).map((one) => one.until.getTime());
    expect(Math.min(...times)).toBeGreaterThan(now.getTime());
    expect(
      snoozes(now)
        .find((one) => one.label.includes("Monday"))
        ?.until.getDay(),
    ).toBe(1);
  });
});

it("shades cells symmetrically around their median", () => {
  expect(shade(0, palettes.light)).toBe("rgb(244 244 241)");
  expect(shade(-5, palettes.light)).toBe("rgb(180 83 47)");
  expect(shade(1, palettes.light)).toBe("rgb(11 114 133)");
  expect([cellOf("cell 82"), cellOf("probe 3"), cellOf("")]).toEqual([82, null, null]);
});
