"use strict";
// The fleet table: one line a vehicle, sortable and filtered; both live in the address.

// The interval of every vehicle on one scale, with the 80 % tick.
function interval(row) {
  const w = 108,
    sx = (v) => ((Math.min(Math.max(v, HEALTH[0]), HEALTH[1]) - HEALTH[0]) / (HEALTH[1] - HEALTH[0])) * w;
  const node = svg(
    "svg",
    { width: w, height: 14, viewBox: `0 0 ${w} 14`, "aria-hidden": "true" },
    svg("rect", { y: 4, width: w, height: 6, rx: 2, css: { fill: "var(--hover)" } }),
  );
  const a = sx(row.health_pct - 2 * (row.health_sd_pct || 0)),
    b = sx(row.health_pct + 2 * (row.health_sd_pct || 0));
  node.append(
    svg("rect", {
      x: a,
      y: 4,
      width: Math.max(1, b - a),
      height: 6,
      css: { fill: "var(--estimated)", "fill-opacity": 0.35 },
    }),
    svg("path", { d: `M${sx(80)} 0V14`, css: { stroke: "var(--ink-3)", "stroke-dasharray": "2 2" } }),
    svg("circle", { cx: sx(row.health_pct), cy: 7, r: 3.5, css: { fill: "var(--estimated)" } }),
  );
  return node;
}
function deviation(row) {
  const all = fleet.fleet.map((r) => r.deviation_pts).filter(known),
    lo = Math.min(0, ...all),
    hi = Math.max(0, ...all),
    w = 76,
    sx = (v) => ((v - lo) / (hi - lo || 1)) * (w - 2) + 1;
  const at = sx(row.deviation_pts),
    zero = sx(0);
  return svg(
    "svg",
    { width: w, height: 14, viewBox: `0 0 ${w} 14`, "aria-hidden": "true" },
    svg("rect", {
      x: Math.min(at, zero),
      y: 3,
      width: Math.abs(at - zero),
      height: 8,
      rx: 1,
      css: { fill: "var(--cohort)" },
    }),
    svg("path", { d: `M${zero} 0V14`, css: { stroke: "var(--line-strong)" } }),
  );
}
const unknown = () => el("small", {}, "not known yet");
const COLUMNS = [
  { key: "vehicle_id", head: "Vehicle", text: true },
  { key: "pack", head: "Pack", text: true, cell: (r) => r.pack },
  { key: "distance_km", head: "Distance, km", cell: (r) => num(r.distance_km) },
  { key: "trips", head: "Trips", cell: (r) => num(r.trips) },
  {
    key: "health_pct",
    head: "Capacity health, %, ±2σ",
    mark: "estimated",
    cell: (r) =>
      el(
        "span",
        { class: "cell" },
        interval(r),
        el(
          "span",
          { class: "val" },
          el("b", {}, num(r.health_pct, 1)),
          el("small", {}, ` ±${num(2 * (r.health_sd_pct || 0), 1)}`),
        ),
      ),
  },
  {
    key: "deviation_pts",
    head: "Deviation, pts",
    mark: "estimated",
    cell: (r) => el("span", { class: "cell" }, deviation(r), el("b", { class: "dev" }, signed(r.deviation_pts, 1))),
  },
  { key: "resistance_x", head: "Resistance, × new", mark: "estimated", cell: (r) => num(r.resistance_x, 2) },
  { key: "error_never_v", head: "Error without, V", cell: (r) => volts(r.error_never_v) },
  { key: "error_living_v", head: "with updates, V", cell: (r) => el("b", {}, volts(r.error_living_v)) },
  { key: "coverage_pct", head: "In 95 % band, %", cell: (r) => num(r.coverage_pct, 1) },
  {
    key: "versions",
    head: "Versions",
    cell: (r) => [num(r.versions), el("small", {}, ` (${num(r.refused)} refused)`)],
  },
  { key: "last_seen_us", head: "Last seen", cell: (r) => stamp(r.last_seen_us) },
];
function compare(key, sign) {
  return (a, b) => {
    const [x, y] = [a[key], b[key]],
      missing = (v) => v === null || v === undefined;
    if (missing(x) || missing(y)) return missing(x) - missing(y);
    return (
      sign * (typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y) ||
      a.vehicle_id.localeCompare(b.vehicle_id, "en", { numeric: true })
    );
  };
}
function fleetTable(query, filter) {
  const body = el("tbody"),
    head = el("tr"),
    said = el("span", { class: "unit" });
  const state = { sort: query.get("sort") || "deviation_pts", dir: query.get("dir") || "asc" };
  const pages = new Set(fleet.pages);
  const fill = () => {
    const wanted = filter.value.trim().toLowerCase(),
      by = COLUMNS.find((c) => c.key === state.sort) || COLUMNS[5];
    const rows = fleet.fleet
      .filter((r) => `${r.vehicle_id} ${r.pack}`.toLowerCase().includes(wanted))
      .sort(compare(by.key, state.dir === "desc" ? -1 : 1));
    said.textContent = `${rows.length === fleet.fleet.length ? num(rows.length) : `${num(rows.length)} of ${num(fleet.fleet.length)}`} · sorted by ${by.head.split(",")[0].toLowerCase()}, ${by.text ? (state.dir === "desc" ? "Z first" : "A first") : state.dir === "desc" ? "highest first" : "lowest first"}${fleet.note ? ` · ${fleet.note}` : ""}`;
    head.replaceChildren(
      ...COLUMNS.map((c) =>
        el(
          "th",
          {
            scope: "col",
            class: c.text ? "" : "r",
            "aria-sort": c === by ? (state.dir === "desc" ? "descending" : "ascending") : null,
          },
          c.mark && [mark(c.mark), " "],
          el(
            "button",
            {
              type: "button",
              onclick: (e) => {
                Object.assign(state, { dir: c === by && state.dir === "asc" ? "desc" : "asc", sort: c.key });
                keep();
                fill();
                head.children[COLUMNS.indexOf(c)].querySelector("button").focus({ preventScroll: e.detail > 0 });
              },
            },
            c.head,
            c === by ? (state.dir === "desc" ? " ↓" : " ↑") : "",
          ),
        ),
      ),
    );
    body.replaceChildren(
      ...rows.map((r) => {
        const open = pages.has(r.vehicle_id);
        return el(
          "tr",
          { onclick: (e) => open && !e.target.closest("a") && (location.hash = vehicleHref(r.vehicle_id)) },
          COLUMNS.map((c, i) =>
            i
              ? el("td", { class: c.text ? "" : "r" }, known(r[c.key]) || c.text ? c.cell(r) : unknown())
              : el(
                  "th",
                  { scope: "row" },
                  open ? el("a", { href: vehicleHref(r.vehicle_id) }, r.vehicle_id) : r.vehicle_id,
                ),
          ),
        );
      }),
    );
    if (!rows.length)
      body.append(
        el(
          "tr",
          {},
          el(
            "td",
            { colspan: COLUMNS.length, class: "empty" },
            fleet.fleet.length
              ? "Nothing matches. Clear the filter to see all vehicles."
              : "No vehicles yet. Import a file and run: the first trip makes a twin.",
          ),
        ),
      );
  };
  const keep = () => {
    const q = new URLSearchParams();
    if (filter.value) q.set("q", filter.value);
    if (state.sort !== "deviation_pts" || state.dir !== "asc") {
      q.set("sort", state.sort);
      q.set("dir", state.dir);
    }
    history.replaceState(null, "", `#/${String(q) && `?${q}`}`);
  };
  filter.addEventListener("input", () => {
    keep();
    fill();
  });
  fill();
  return el(
    "section",
    { class: "card w12", "aria-labelledby": "fleet-table" },
    el("div", { class: "head" }, el("h2", { id: "fleet-table" }, "Vehicles"), said),
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Vehicles, table" },
      el("table", { class: "fleet" }, el("thead", {}, head), body),
    ),
  );
}
