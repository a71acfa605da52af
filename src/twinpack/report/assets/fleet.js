"use strict";
// The fleet page: figures, three charts, the table.

function tile(label, figure, unit, note, kind) {
  return el(
    "div",
    {},
    el("dt", {}, label, kind && mark(kind)),
    el(
      "dd",
      {},
      el(
        "span",
        { class: figure === null ? "fig unknown" : "fig" },
        figure === null ? "not known yet" : figure,
        unit && figure !== null && el("small", {}, unit),
      ),
      note && el("span", {}, note),
    ),
  );
}
function figures() {
  const f = fleet.figures,
    some = (v, text) => (known(v) ? text : null);
  const gain =
    f.error_living_v > 0 && known(f.error_never_v) ? ` · ${num(f.error_never_v / f.error_living_v, 1)} × less` : "";
  const chain = fleet.chain_ok === null ? null : fleet.chain_ok ? "verified" : "broken";
  return el(
    "dl",
    { class: "card strip", "aria-label": "Fleet figures" },
    tile("Vehicles", num(f.vehicles), "", plural(f.packs, "pack type")),
    tile("Trips", num(f.trips), "", `${num(f.scored_trips)} scored`, "measured"),
    tile(
      "Median error",
      some(f.error_living_v, volts(f.error_living_v)),
      "V",
      known(f.error_never_v) ? `without updates ${volts(f.error_never_v)}${gain}` : "",
      "estimated",
    ),
    tile("Inside the 95 % band", some(f.coverage_pct, num(f.coverage_pct, 1)), "%", "goal 93–97 %", "estimated"),
    tile(
      "Median capacity health",
      some(f.health_pct, num(f.health_pct, 1)),
      "%",
      known(f.health_low_pct) && f.vehicles > 3
        ? `mid half ${num(f.health_low_pct, 1)}–${num(f.health_high_pct, 1)}`
        : "",
      "estimated",
    ),
    tile("Updates accepted", num(f.accepted), "", `${num(f.refused)} refused`),
    tile("Version chain", chain, "", fleet.chain_note),
  );
}
const noHealth = (title) =>
  card(
    { span: "w4", title },
    el("p", { class: "empty" }, "Not known yet: a trip with a wide charge swing tells the capacity."),
  );
function histogram() {
  const values = fleet.fleet.map((r) => r.health_pct).filter(known),
    first = Math.min(76, ...values.map(Math.floor)),
    last = Math.max(100, ...values.map((v) => Math.floor(v) + 1));
  const steps = Array.from({ length: last - first }, (_, i) => first + i),
    counts = steps.map((s) => values.filter((v) => v >= s && v < s + 1).length);
  if (!values.length) return noHealth("Capacity health");
  const peak = Math.max(4, ...counts),
    middle = fleet.figures.health_pct;
  return chart({
    span: "w4",
    title: "Capacity health",
    unit: "vehicles per 1 % step",
    mark: "estimated",
    summary: `${plural(values.length, "vehicle")}, median ${num(middle, 1)} %.`,
    x: { domain: [first, last], ticks: (count) => ({ ...niceTicks(first, last, Math.min(count, 6)), suffix: " %" }) },
    panels: [
      {
        height: 190,
        domain: niceDomain([0, peak], true),
        layers: [
          { t: "bars", x0: steps, x1: steps.map((s) => s + 1), y: counts, role: "estimated" },
          { t: "vrule", x: 80, role: "ink-3", dash: "reference", text: "80 %" },
          ...(known(middle) ? [{ t: "vrule", x: middle, role: "ink", text: `median ${num(middle, 1)}` }] : []),
        ],
      },
    ],
    stops: steps.map((s) => s + 0.5),
    read: (i) => [[`${steps[i]} to ${steps[i] + 1} %:`, plural(counts[i], "vehicle")]],
    table: () => ({ head: ["From, %", "To, %", "Vehicles"], rows: steps.map((s, i) => [s, s + 1, counts[i]]) }),
  });
}
function scatter() {
  const by = fleet.fleet.some((r) => r.distance_km > 0) ? "distance_km" : "trips",
    far = by === "distance_km";
  const rows = fleet.fleet.filter((r) => known(r.health_pct) && known(r[by])).sort((a, b) => a[by] - b[by]),
    xs = rows.map((r) => r[by]);
  if (!rows.length) return noHealth(`Health against ${far ? "distance" : "trips"}`);
  const sd = (r) => 2 * (r.health_sd_pct || 0),
    domain = niceDomain([0, ...xs], true);
  const low = rows
    .map((r, i) => [r.deviation_pts, i])
    .filter(([d]) => known(d) && d < 0)
    .sort((a, b) => a[0] - b[0])
    .slice(0, 3)
    .map(([, i]) => i);
  return chart({
    span: "w4",
    title: `Health against ${far ? "distance" : "trips"}`,
    unit: "capacity, %, ±2σ",
    mark: "estimated",
    summary: `${plural(rows.length, "vehicle")} between ${num(xs[0])} and ${num(xs[xs.length - 1])} ${far ? "km" : "trips"}.`,
    x: { domain, ticks: (count) => ({ ...niceTicks(...domain, Math.min(count, 5)), suffix: far ? " km" : "" }) },
    panels: [
      {
        height: 190,
        domain: HEALTH,
        layers: [
          { t: "rule", y: 80, role: "ink-3", dash: "reference", end: "80 %" },
          ...(known(fleet.figures.health_pct)
            ? [{ t: "rule", y: fleet.figures.health_pct, role: "cohort", end: "median" }]
            : []),
          {
            t: "points",
            x: xs,
            y: rows.map((r) => r.health_pct),
            lo: rows.map((r) => r.health_pct - sd(r)),
            hi: rows.map((r) => r.health_pct + sd(r)),
            role: "estimated",
            named: low,
            text: rows.map((r) => r.vehicle_id),
          },
        ],
      },
    ],
    stops: xs,
    pick: (i) => {
      location.hash = vehicleHref(rows[i].vehicle_id);
    },
    near: (state, e, host) => {
      const box = host.getBoundingClientRect(),
        away = (i) =>
          Math.hypot(state.scale(xs[i]) - e.clientX + box.left, state.sy(rows[i].health_pct) - e.clientY + box.top);
      return rows.reduce((best, _, i) => (away(i) < away(best) ? i : best), 0);
    },
    read: (i) => [
      ["", rows[i].vehicle_id],
      [far ? "distance" : "trips", `${num(xs[i])}${far ? " km" : ""}`],
      ["health", `${num(rows[i].health_pct, 1)} ± ${num(sd(rows[i]), 1)} %`],
    ],
    table: () => ({
      head: ["Vehicle", far ? "Distance, km" : "Trips", "Capacity health, %", "±2σ, pts"],
      rows: rows.map((r) => [r.vehicle_id, r[by], r.health_pct, sd(r)]),
      decimals: [0, 0, 1, 1],
    }),
  });
}
function fleetErrors() {
  const e = fleet.errors,
    x = e.trip,
    last = x.length - 1;
  if (!x.length)
    return card(
      { span: "w4", title: "Error per trip, whole fleet" },
      el(
        "p",
        { class: "empty" },
        "No trip has been scored yet. Import more trips: the first ones teach the prototype.",
      ),
    );
  const domain = [Math.min(...x), Math.max(...x, x[0] + 1)];
  const several = Math.max(...e.vehicles) > 1,
    unit = several ? "median RMSE, V, and p10–p90 of vehicles" : "RMSE of pack voltage, V";
  return chart({
    span: "w4",
    title: "Error per trip",
    unit,
    mark: "estimated",
    summary: `On the last trip ${volts(e.never_median_v[last])} V never updated, ${volts(e.living_median_v[last])} V with updates.`,
    legend: [
      { kind: "line", role: "never", text: "never updated" },
      { kind: "line", role: "estimated", text: "living twin" },
    ],
    x: { domain, ticks: tripTicks(...domain), first: "trip " },
    panels: [
      {
        height: 190,
        domain: niceDomain([...e.never_high_v, ...e.living_high_v], true),
        layers: [
          { t: "band", x, lo: e.never_low_v, hi: e.never_high_v, role: "never" },
          { t: "band", x, lo: e.living_low_v, hi: e.living_high_v, role: "estimated" },
          { t: "line", x, y: e.never_median_v, role: "never", end: `${volts(e.never_median_v[last])} V` },
          { t: "line", x, y: e.living_median_v, role: "estimated", end: `${volts(e.living_median_v[last])} V` },
        ],
      },
    ],
    stops: x,
    read: (i) => [
      ["trip", num(x[i])],
      ["never updated", `${volts(e.never_median_v[i])} V`],
      ["living twin", `${volts(e.living_median_v[i])} V`],
      ["vehicles", num(e.vehicles[i])],
    ],
    table: () => ({
      head: ["Trip", "Never updated, V", "p10", "p90", "Living twin, V", "p10", "p90", "Vehicles"],
      rows: x.map((t, i) => [
        t,
        e.never_median_v[i],
        e.never_low_v[i],
        e.never_high_v[i],
        e.living_median_v[i],
        e.living_low_v[i],
        e.living_high_v[i],
        e.vehicles[i],
      ]),
      decimals: [0, 2, 2, 2, 2, 2, 2, 0],
    }),
  });
}

function effects(one) {
  const set = one.rows.filter((r) => r.lives).map((r) => r.name);
  const title = `What the voltage goes with: ${one.pack}`;
  return card(
    { span: "w12", title, unit: `${one.kind}, share of the variance within priors`, mark: "estimated" },
    el(
      "div",
      {},
      el(
        "p",
        {},
        `Living set: ${set.join(", ")}. `,
        `Left of ${plural(one.trips, "trip")}: ${volts(one.none_v)} V with nothing calibrated, `,
        `${volts(one.set_v)} V with the set, ${volts(one.all_v)} V with all.`,
      ),
      numbers(title, {
        head: ["Living parameter", "Total", "± (95 %)", "Alone", "In the set", "Left of the prior"],
        rows: one.rows.map((r) => [r.name, r.total, r.total_conf, r.alone, r.lives ? "yes" : "no", r.left]),
        decimals: [0, 3, 3, 3, 0, 2],
      }),
    ),
  );
}

function fleetPage(query) {
  const filter = el("input", {
    type: "search",
    placeholder: "Filter vehicles  ( / )",
    "aria-label": "Filter by vehicle or pack",
    id: "filter",
  });
  filter.value = query.get("q") || "";
  where([["Fleet"]]);
  document.title = `${fleet.title} · twinpack`;
  main.replaceChildren(
    el(
      "div",
      { class: "title" },
      el("h1", {}, fleet.title),
      el(
        "p",
        { class: "facts" },
        fleet.as_of_us ? ["data to ", stamp(fleet.as_of_us)] : "no data yet",
        ` · twinpack ${fleet.code_version}`,
      ),
      el("div", { class: "right" }, filter),
    ),
    el(
      "div",
      { class: "grid" },
      el("div", { class: "w12" }, figures()),
      histogram(),
      scatter(),
      fleetErrors(),
      fleetTable(query, filter),
      ...fleet.sensitivity.map(effects),
    ),
  );
}
