// ---- data and address ----

const embedded = (id) => JSON.parse(document.getElementById(id).textContent);
const fleet = embedded("fleet-data");
const main = document.getElementById("main"), crumbs = document.getElementById("crumbs");
const HEALTH = (() => {
  const lows = fleet.fleet.map((r) => (known(r.health_pct) ? r.health_pct - 2 * (r.health_sd_pct || 0) : 70));
  const highs = fleet.fleet.map((r) => (known(r.health_pct) ? r.health_pct + 2 * (r.health_sd_pct || 0) : 100));
  return [Math.max(0, Math.floor(Math.min(70, ...lows) / 5) * 5), Math.ceil(Math.max(100, ...highs) / 5) * 5];
})();
const vehicleHref = (id, trip) => `#/v/${encodeURIComponent(id)}${trip ? `?trip=${trip}` : ""}`;
function address() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?");
  const parts = path.split("/").filter(Boolean);
  let vehicle = null;
  try { vehicle = parts[0] === "v" && parts[1] ? decodeURIComponent(parts[1]) : null; } catch { vehicle = parts[1]; }
  return { vehicle, query: new URLSearchParams(query) };
}
function where(items) {
  crumbs.replaceChildren(...items.map(([text, href], i) => el("li", {}, i === items.length - 1 ? el("span", { "aria-current": "page" }, text) : el("a", { href }, text))));
}
const tripTicks = (lo, hi) => (count) => { const t = niceTicks(lo, hi, Math.min(count, 7)); return { at: t.at.filter((v) => Number.isInteger(v)), decimals: 0 }; };
const range95 = (mean, sd) => `${num(mean - 1.96 * sd, 1)} to ${num(mean + 1.96 * sd, 1)}`;

// ---- fleet ----

function tile(label, figure, unit, note, kind) {
  return el("div", {}, el("dt", {}, label, kind && mark(kind)), el("dd", {}, el("span", { class: figure === null ? "fig unknown" : "fig" }, figure === null ? "not known yet" : figure, unit && figure !== null && el("small", {}, unit)), note && el("span", {}, note)));
}
function figures() {
  const f = fleet.figures, some = (v, text) => (known(v) ? text : null);
  const gain = f.error_living_v > 0 && known(f.error_never_v) ? ` · ${num(f.error_never_v / f.error_living_v, 1)} × less` : "";
  const chain = fleet.chain_ok === null ? null : fleet.chain_ok ? "verified" : "broken";
  return el("dl", { class: "card strip", "aria-label": "Fleet figures" },
    tile("Vehicles", num(f.vehicles), "", plural(f.packs, "pack type")),
    tile("Trips", num(f.trips), "", `${num(f.scored_trips)} scored`, "measured"),
    tile("Median error", some(f.error_living_v, volts(f.error_living_v)), "V", known(f.error_never_v) ? `without updates ${volts(f.error_never_v)}${gain}` : "", "estimated"),
    tile("Inside the 95 % band", some(f.coverage_pct, num(f.coverage_pct, 1)), "%", "goal 93–97 %", "estimated"),
    tile("Median capacity health", some(f.health_pct, num(f.health_pct, 1)), "%", known(f.health_low_pct) && f.vehicles > 3 ? `mid half ${num(f.health_low_pct, 1)}–${num(f.health_high_pct, 1)}` : "", "estimated"),
    tile("Updates accepted", num(f.accepted), "", `${num(f.refused)} refused`),
    tile("Version chain", chain, "", fleet.chain_note));
}
function histogram() {
  const values = fleet.fleet.map((r) => r.health_pct).filter(known), first = Math.min(76, ...values.map(Math.floor)), last = Math.max(100, ...values.map((v) => Math.floor(v) + 1));
  const steps = Array.from({ length: last - first }, (_, i) => first + i), counts = steps.map((s) => values.filter((v) => v >= s && v < s + 1).length);
  const peak = Math.max(4, ...counts), middle = fleet.figures.health_pct;
  return chart({
    span: "w4", title: "Capacity health", unit: "vehicles per 1 % step", mark: "estimated", summary: `${plural(values.length, "vehicle")}, median ${num(middle, 1)} %.`,
    x: { domain: [first, last], ticks: (count) => ({ ...niceTicks(first, last, Math.min(count, 6)), suffix: " %" }) },
    panels: [{ height: 190, domain: niceDomain([0, peak], true), layers: [{ t: "bars", x0: steps, x1: steps.map((s) => s + 1), y: counts, role: "estimated" },
      { t: "vrule", x: 80, role: "ink-3", dash: "reference", text: "80 %" }, ...(known(middle) ? [{ t: "vrule", x: middle, role: "ink", text: `median ${num(middle, 1)}` }] : [])] }],
    stops: steps.map((s) => s + 0.5), read: (i) => [[`${steps[i]} to ${steps[i] + 1} %:`, plural(counts[i], "vehicle")]],
    table: () => ({ head: ["From, %", "To, %", "Vehicles"], rows: steps.map((s, i) => [s, s + 1, counts[i]]) }),
  });
}
function scatter() {
  const by = fleet.fleet.some((r) => r.distance_km > 0) ? "distance_km" : "trips", far = by === "distance_km";
  const rows = fleet.fleet.filter((r) => known(r.health_pct) && known(r[by])).sort((a, b) => a[by] - b[by]), xs = rows.map((r) => r[by]);
  const sd = (r) => 2 * (r.health_sd_pct || 0), domain = niceDomain([0, ...xs], true);
  const low = rows.map((r, i) => [r.deviation_pts, i]).filter(([d]) => known(d) && d < 0).sort((a, b) => a[0] - b[0]).slice(0, 3).map(([, i]) => i);
  return chart({
    span: "w4", title: `Health against ${far ? "distance" : "trips"}`, unit: "capacity, %, ±2σ", mark: "estimated", summary: `${plural(rows.length, "vehicle")} between ${num(xs[0])} and ${num(xs[xs.length - 1])} ${far ? "km" : "trips"}.`,
    x: { domain, ticks: (count) => ({ ...niceTicks(...domain, Math.min(count, 5)), suffix: far ? " km" : "" }) },
    panels: [{ height: 190, domain: HEALTH, layers: [{ t: "rule", y: 80, role: "ink-3", dash: "reference", end: "80 %" },
      ...(known(fleet.figures.health_pct) ? [{ t: "rule", y: fleet.figures.health_pct, role: "cohort", end: "median" }] : []),
      { t: "points", x: xs, y: rows.map((r) => r.health_pct), lo: rows.map((r) => r.health_pct - sd(r)), hi: rows.map((r) => r.health_pct + sd(r)), role: "estimated", named: low, text: rows.map((r) => r.vehicle_id) }] }],
    stops: xs, pick: (i) => { location.hash = vehicleHref(rows[i].vehicle_id); },
    near: (state, e, host) => {
      const box = host.getBoundingClientRect(), away = (i) => Math.hypot(state.scale(xs[i]) - e.clientX + box.left, state.sy(rows[i].health_pct) - e.clientY + box.top);
      return rows.reduce((best, _, i) => (away(i) < away(best) ? i : best), 0);
    },
    read: (i) => [["", rows[i].vehicle_id], [far ? "distance" : "trips", `${num(xs[i])}${far ? " km" : ""}`], ["health", `${num(rows[i].health_pct, 1)} ± ${num(sd(rows[i]), 1)} %`]],
    table: () => ({ head: ["Vehicle", far ? "Distance, km" : "Trips", "Capacity health, %", "±2σ, pts"], rows: rows.map((r) => [r.vehicle_id, r[by], r.health_pct, sd(r)]), decimals: [0, 0, 1, 1] }),
  });
}
function fleetErrors() {
  const e = fleet.errors, x = e.trip, last = x.length - 1;
  if (!x.length) return card({ span: "w4", title: "Error per trip, whole fleet" }, el("p", { class: "empty" }, "No trip has been scored yet. Import more trips: the first ones teach the prototype."));
  const domain = [Math.min(...x), Math.max(...x, x[0] + 1)];
  const several = Math.max(...e.vehicles) > 1, unit = several ? "median RMSE, V, and p10–p90 of vehicles" : "RMSE of pack voltage, V";
  return chart({
    span: "w4", title: "Error per trip", unit, mark: "estimated", summary: `On the last trip ${volts(e.never_median_v[last])} V never updated, ${volts(e.living_median_v[last])} V with updates.`,
    legend: [{ kind: "line", role: "never", text: "never updated" }, { kind: "line", role: "estimated", text: "living twin" }],
    x: { domain, ticks: tripTicks(...domain), first: "trip " },
    panels: [{ height: 190, domain: niceDomain([...e.never_high_v, ...e.living_high_v], true), layers: [
      { t: "band", x, lo: e.never_low_v, hi: e.never_high_v, role: "never" }, { t: "band", x, lo: e.living_low_v, hi: e.living_high_v, role: "estimated" },
      { t: "line", x, y: e.never_median_v, role: "never", end: `${volts(e.never_median_v[last])} V` }, { t: "line", x, y: e.living_median_v, role: "estimated", end: `${volts(e.living_median_v[last])} V` }] }],
    stops: x, read: (i) => [["trip", num(x[i])], ["never updated", `${volts(e.never_median_v[i])} V`], ["living twin", `${volts(e.living_median_v[i])} V`], ["vehicles", num(e.vehicles[i])]],
    table: () => ({ head: ["Trip", "Never updated, V", "p10", "p90", "Living twin, V", "p10", "p90", "Vehicles"], rows: x.map((t, i) => [t, e.never_median_v[i], e.never_low_v[i], e.never_high_v[i], e.living_median_v[i], e.living_low_v[i], e.living_high_v[i], e.vehicles[i]]), decimals: [0, 2, 2, 2, 2, 2, 2, 0] }),
  });
}

// The interval of every vehicle on one scale, with the 80 % tick.
function interval(row) {
  const w = 108, sx = (v) => ((Math.min(Math.max(v, HEALTH[0]), HEALTH[1]) - HEALTH[0]) / (HEALTH[1] - HEALTH[0])) * w;
  const node = svg("svg", { width: w, height: 14, viewBox: `0 0 ${w} 14`, "aria-hidden": "true" }, svg("rect", { y: 4, width: w, height: 6, rx: 2, css: { fill: "var(--hover)" } }));
  const a = sx(row.health_pct - 2 * (row.health_sd_pct || 0)), b = sx(row.health_pct + 2 * (row.health_sd_pct || 0));
  node.append(svg("rect", { x: a, y: 4, width: Math.max(1, b - a), height: 6, css: { fill: "var(--estimated)", "fill-opacity": 0.35 } }), svg("path", { d: `M${sx(80)} 0V14`, css: { stroke: "var(--ink-3)", "stroke-dasharray": "2 2" } }), svg("circle", { cx: sx(row.health_pct), cy: 7, r: 3.5, css: { fill: "var(--estimated)" } }));
  return node;
}
function deviation(row) {
  const all = fleet.fleet.map((r) => r.deviation_pts).filter(known), lo = Math.min(0, ...all), hi = Math.max(0, ...all), w = 76, sx = (v) => ((v - lo) / (hi - lo || 1)) * (w - 2) + 1;
  const at = sx(row.deviation_pts), zero = sx(0);
  return svg("svg", { width: w, height: 14, viewBox: `0 0 ${w} 14`, "aria-hidden": "true" }, svg("rect", { x: Math.min(at, zero), y: 3, width: Math.abs(at - zero), height: 8, rx: 1, css: { fill: "var(--cohort)" } }), svg("path", { d: `M${zero} 0V14`, css: { stroke: "var(--line-strong)" } }));
}
const unknown = () => el("small", {}, "not known yet");
const COLUMNS = [
  { key: "vehicle_id", head: "Vehicle", text: true },
  { key: "pack", head: "Pack", text: true, cell: (r) => r.pack },
  { key: "distance_km", head: "Distance, km", cell: (r) => num(r.distance_km) },
  { key: "trips", head: "Trips", cell: (r) => num(r.trips) },
  { key: "health_pct", head: "Capacity health, %, ±2σ", mark: "estimated", cell: (r) => el("span", { class: "cell" }, interval(r), el("span", { class: "val" }, el("b", {}, num(r.health_pct, 1)), el("small", {}, ` ±${num(2 * (r.health_sd_pct || 0), 1)}`))) },
  { key: "deviation_pts", head: "Deviation, pts", mark: "estimated", cell: (r) => el("span", { class: "cell" }, deviation(r), el("b", { class: "dev" }, signed(r.deviation_pts, 1))) },
  { key: "resistance_x", head: "Resistance, × new", mark: "estimated", cell: (r) => num(r.resistance_x, 2) },
  { key: "error_never_v", head: "Error without, V", cell: (r) => volts(r.error_never_v) },
  { key: "error_living_v", head: "with updates, V", cell: (r) => el("b", {}, volts(r.error_living_v)) },
  { key: "coverage_pct", head: "In 95 % band, %", cell: (r) => num(r.coverage_pct, 1) },
  { key: "versions", head: "Versions", cell: (r) => [num(r.versions), el("small", {}, ` (${num(r.refused)} refused)`)] },
  { key: "last_seen_us", head: "Last seen", cell: (r) => stamp(r.last_seen_us) },
];
function compare(key, sign) {
  return (a, b) => {
    const [x, y] = [a[key], b[key]], missing = (v) => v === null || v === undefined;
    if (missing(x) || missing(y)) return missing(x) - missing(y);
    return sign * (typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y) || a.vehicle_id.localeCompare(b.vehicle_id, "en", { numeric: true });
  };
}
function fleetTable(query, filter) {
  const body = el("tbody"), head = el("tr"), said = el("span", { class: "unit" });
  const state = { sort: query.get("sort") || "deviation_pts", dir: query.get("dir") || "asc" };
  const pages = new Set(fleet.pages);
  const fill = () => {
    const wanted = filter.value.trim().toLowerCase(), by = COLUMNS.find((c) => c.key === state.sort) || COLUMNS[5];
    const rows = fleet.fleet.filter((r) => `${r.vehicle_id} ${r.pack}`.toLowerCase().includes(wanted)).sort(compare(by.key, state.dir === "desc" ? -1 : 1));
    said.textContent = `${rows.length === fleet.fleet.length ? num(rows.length) : `${num(rows.length)} of ${num(fleet.fleet.length)}`} · sorted by ${by.head.split(",")[0].toLowerCase()}, ${by.text ? (state.dir === "desc" ? "Z first" : "A first") : state.dir === "desc" ? "highest first" : "lowest first"}${fleet.note ? ` · ${fleet.note}` : ""}`;
    head.replaceChildren(...COLUMNS.map((c) => el("th", { scope: "col", class: c.text ? "" : "r", "aria-sort": c === by ? (state.dir === "desc" ? "descending" : "ascending") : null },
      c.mark && [mark(c.mark), " "], el("button", { type: "button", onclick: (e) => { Object.assign(state, { dir: c === by && state.dir === "asc" ? "desc" : "asc", sort: c.key }); keep(); fill(); head.children[COLUMNS.indexOf(c)].querySelector("button").focus({ preventScroll: e.detail > 0 }); } }, c.head, c === by ? (state.dir === "desc" ? " ↓" : " ↑") : ""))));
    body.replaceChildren(...rows.map((r) => {
      const open = pages.has(r.vehicle_id);
      return el("tr", { onclick: (e) => open && !e.target.closest("a") && (location.hash = vehicleHref(r.vehicle_id)) },
        COLUMNS.map((c, i) => (i ? el("td", { class: c.text ? "" : "r" }, known(r[c.key]) || c.text ? c.cell(r) : unknown()) : el("th", { scope: "row" }, open ? el("a", { href: vehicleHref(r.vehicle_id) }, r.vehicle_id) : r.vehicle_id))));
    }));
    if (!rows.length) body.append(el("tr", {}, el("td", { colspan: COLUMNS.length, class: "empty" }, fleet.fleet.length ? "Nothing matches. Clear the filter to see all vehicles." : "No vehicles yet. Import a file and run: the first trip makes a twin.")));
  };
  const keep = () => {
    const q = new URLSearchParams();
    if (filter.value) q.set("q", filter.value);
    if (state.sort !== "deviation_pts" || state.dir !== "asc") { q.set("sort", state.sort); q.set("dir", state.dir); }
    history.replaceState(null, "", `#/${q.size ? `?${q}` : ""}`);
  };
  filter.addEventListener("input", () => { keep(); fill(); });
  fill();
  return el("section", { class: "card w12", "aria-labelledby": "fleet-table" }, el("div", { class: "head" }, el("h2", { id: "fleet-table" }, "Vehicles"), said),
    el("div", { class: "scroll", tabindex: 0, role: "region", "aria-labelledby": "fleet-table" }, el("table", { class: "fleet" }, el("thead", {}, head), body)));
}
function fleetPage(query) {
  const filter = el("input", { type: "search", placeholder: "Filter vehicles  ( / )", "aria-label": "Filter by vehicle or pack", id: "filter" });
  filter.value = query.get("q") || "";
  where([["Fleet"]]);
  document.title = `${fleet.title} · twinpack`;
  main.replaceChildren(
    el("div", { class: "title" }, el("h1", {}, fleet.title), el("p", { class: "facts" }, fleet.as_of_us ? ["data to ", stamp(fleet.as_of_us)] : "no data yet", ` · twinpack ${fleet.code_version}`), el("div", { class: "right" }, filter)),
    el("div", { class: "grid" }, el("div", { class: "w12" }, figures()), histogram(), scatter(), fleetErrors(), fleetTable(query, filter)));
}

// ---- vehicle ----

function headline(v, row) {
  const sd = row.health_sd_pct || 0;
  const health = known(row.health_pct)
    ? [el("span", { class: "fig xl" }, num(row.health_pct, 1), el("small", {}, "%")), el("small", {}, range95(row.health_pct, sd), el("br"), "95 % interval")]
    : [el("span", { class: "fig unknown" }, "not known yet"), el("small", {}, "a trip with a wider charge swing would help")];
  return el("section", { class: "card headline w12", "aria-label": "Health" },
    el("div", {}, el("p", { class: "label" }, mark("estimated"), "Capacity health"), el("div", { class: "pair" }, health)),
    el("div", { class: "why" }, el("h2", {}, "Why did health change?"), el("ul", { tabindex: 0, "aria-label": "Changes in words, newest first" }, v.explanations.length ? v.explanations.map((text) => el("li", {}, text)) : el("li", {}, "It has not changed: no update has been accepted yet."))),
    small("Resistance", known(row.resistance_x) ? num(row.resistance_x, 2) : null, "× new", "estimated", "as deployed now"),
    small("Error with updates", known(row.error_living_v) ? volts(row.error_living_v) : null, "V", "estimated", known(row.error_never_v) ? `never updated ${volts(row.error_never_v)} V, medians` : ""),
    small("From fleet median", known(row.deviation_pts) ? signed(row.deviation_pts, 1) : null, "pts", "estimated", "of capacity health"));
}
function small(label, figure, unit, kind, note) {
  return el("div", {}, el("p", { class: "label" }, mark(kind), label), el("p", {}, el("span", { class: "fig" }, figure === null ? "–" : figure, el("small", {}, unit))), el("p", { class: "label" }, figure === null ? "not known yet" : note));
}
function loopStrip(v) {
  if (!v.loop.length) return null;
  const refused = v.loop[v.loop.length - 1].word.startsWith("Refused");
  return el("section", { class: "card w12", "aria-label": "The last decision in five steps" }, el("ol", { class: "loop" }, v.loop.map((s, i) => el("li", { class: refused && i === 4 ? "refused" : "" },
    el("span", { class: "dot", "aria-hidden": "true" }, refused && i === 4 ? "✕" : String(i + 1)), el("p", {}, el("b", {}, s.word), ` ${s.rest}`, el("small", {}, s.support))))));
}
function errorChart(v, link, choose, chosen) {
  const trips = v.trips, x = trips.map((t) => t.number), shown = new Set(v.traces.map((t) => t.trip));
  if (!trips.some((t) => known(t.living_v))) return card({ span: "full", title: "Error per trip" }, el("p", { class: "empty" }, "No trip has been scored yet."));
  const domain = [Math.min(...x), Math.max(...x, x[0] + 1)], never = trips.map((t) => t.never_v), living = trips.map((t) => t.living_v);
  const of = (decision) => trips.filter((t) => t.decision === decision && known(t.living_v)), last = (ys) => ys.findLast(known);
  const marks = (list, kind, role, word) => ({ t: "marks", shape: kind, role, x: list.map((t) => t.number), y: list.map((t) => t.living_v), names: list.map((t) => `Update ${word} on trip ${t.number}, error ${volts(t.living_v)} V`) });
  const embeddedTrips = trips.filter((t) => shown.has(t.number) && known(t.living_v));
  const current = trips.filter((t) => t.number === chosen() && known(t.living_v));
  return chart({
    span: "full", title: "Error per trip", mark: "estimated", unit: `RMSE of pack voltage, V · ${plural(trips.length, "trip")}`, link,
    summary: `Last scored trip ${volts(last(never))} V never updated and ${volts(last(living))} V with the living twin; ${plural(of("accepted").length, "update")} accepted, ${of("refused").length} refused.`,
    legend: [{ kind: "line", role: "never", text: "never updated" }, { kind: "line", role: "estimated", text: "living twin" }, { kind: "tri", role: "estimated", text: "update accepted" }, { kind: "cross", role: "never", text: "refused" }, { kind: "ring", role: "estimated", text: "shown below" }],
    x: { domain, ticks: tripTicks(...domain), first: "trip " }, hint: `Choose a trip to see its samples; this page holds those of ${v.traces.map((t) => t.trip).join(", ") || "none"}.`,
    panels: [{ height: 150, domain: niceDomain([...never, ...living, v.threshold_v], true), layers: [
      ...(known(v.threshold_v) ? [{ t: "rule", y: v.threshold_v, role: "ink-2", dash: "limit", end: `limit ${volts(v.threshold_v)}` }] : []),
      { t: "line", x, y: never, role: "never", width: 1.4, end: `${volts(last(never))} V` }, { t: "line", x, y: living, role: "estimated", width: 1.7, end: `${volts(last(living))} V` },
      { t: "marks", shape: "disc", role: "estimated", size: 2.6, x: embeddedTrips.map((t) => t.number), y: embeddedTrips.map((t) => t.living_v) },
      marks(of("accepted"), "tri", "estimated", "accepted"), marks(of("refused"), "cross", "never", "refused"),
      { t: "marks", shape: "ring", role: "estimated", x: current.map((t) => t.number), y: current.map((t) => t.living_v), names: current.map((t) => `Trip ${t.number}, shown below`) }] }],
    stops: x, pick: (i) => choose(x[i]),
    read: (i) => { const t = trips[i]; return [["trip", num(t.number)], ["", moment(t.start_us)], ["never updated", known(t.never_v) ? `${volts(t.never_v)} V` : "not scored"], [`living twin v${t.version}`, known(t.living_v) ? `${volts(t.living_v)} V` : "not scored"], ["", t.decision]]; },
    table: () => ({ head: ["Trip", "Start", "Kind", "Never updated, V", "Living twin, V", "In band, %", "Version", "Decision"], rows: trips.map((t) => [t.number, moment(t.start_us), t.kind, t.never_v, t.living_v, t.living_coverage_pct, t.version, t.decision]), decimals: [0, 0, 0, 2, 2, 1] }),
  });
}
const WHY = { first: "first", worst: "worst", update: "update", after: "after it", last: "last" };
function traceCard(v, asked, choose) {
  if (!v.traces.length) return card({ span: "full", title: "One trip" }, el("p", { class: "empty" }, "No samples of single trips are in this page."));
  const t = v.traces.reduce((best, c) => (Math.abs(c.trip - asked) < Math.abs(best.trip - asked) ? c : best));
  const x = t.time_s.map((s) => s / 60), end = Math.max(...x, 0.1), spread = (ys, sd, k) => ys.map((y, i) => (known(y) && known(sd[i]) ? y + k * 1.96 * sd[i] : null));
  const off = (ys) => ys.map((y, i) => (known(y) && known(t.measured_v[i]) ? y - t.measured_v[i] : null)), offNever = off(t.never_v), offLiving = off(t.living_v), scored = v.trips.find((p) => p.number === t.trip) || {};
  const [nl, nh, ll, lh] = [spread(t.never_v, t.never_sd_v, -1), spread(t.never_v, t.never_sd_v, 1), spread(t.living_v, t.living_sd_v, -1), spread(t.living_v, t.living_sd_v, 1)];
  const zero = t.living_v.map((y) => (known(y) ? 0 : null)), rl = spread(zero, t.living_sd_v, -1), rh = spread(zero, t.living_sd_v, 1), name = `v${t.version}`;
  const start = t.scored_from_s > 0 ? [{ t: "region", x0: 0, x1: t.scored_from_s / 60, role: "hover", text: "not scored" }] : [];
  const picker = el("div", { class: "group", role: "group", "aria-label": "Trips whose samples are in this page" }, v.traces.map((c) => el("button", { type: "button", class: "small", "aria-pressed": String(c === t), onclick: () => choose(c.trip) }, `${num(c.trip)} ${WHY[c.why] || ""}`)));
  return chart({
    span: "full", title: `Trip ${num(t.trip)}`, unit: `${moment(t.start_us)} · ${plural(t.samples, "sample")}, min–max kept · pack voltage, V`, controls: [picker],
    hint: asked !== t.trip ? `The samples of trip ${num(asked)} are not in this page; trip ${num(t.trip)} is the nearest.` : "",
    summary: `Measured voltage against both predictions: error ${volts(scored.never_v)} V never updated, ${volts(scored.living_v)} V with version ${t.version}.`,
    legend: [{ kind: "line", role: "measured", text: "measured" }, { kind: "dash", role: "never", text: "never updated, 95 %" }, { kind: "line", role: "estimated", text: `${name}, 95 %` }],
    x: { domain: [0, end], ticks: (count) => ({ ...niceTicks(0, end, Math.min(count, 10)), suffix: " min" }) },
    panels: [{ height: 170, domain: niceDomain([...nl, ...nh, ...ll, ...lh, ...t.measured_v]), layers: [...start, { t: "band", x, lo: nl, hi: nh, role: "never" }, { t: "line", x, y: t.never_v, role: "never", width: 1.4, dash: "never", end: "never updated" },
      { t: "band", x, lo: ll, hi: lh, role: "estimated" }, { t: "line", x, y: t.living_v, role: "estimated", width: 1.7, end: name }, { t: "line", x, y: t.measured_v, role: "measured", width: 1.3, end: "measured" }] },
    { height: 84, caption: "prediction − measured, V", domain: niceDomain([...offNever, ...offLiving, ...rl, ...rh, 0]), lines: 4, zero: true, layers: [...start.map((s) => ({ ...s, text: "" })), { t: "band", x, lo: rl, hi: rh, role: "estimated" },
      { t: "line", x, y: offNever, role: "never", width: 1.4, dash: "never", end: known(scored.never_v) ? `never ${volts(scored.never_v)}` : "never" }, { t: "line", x, y: offLiving, role: "estimated", width: 1.7, end: known(scored.living_v) ? `${name} ${volts(scored.living_v)}` : name }] }],
    stops: x, read: (i) => [["", `${num(x[i], 1)} min`], ["measured", `${num(t.measured_v[i], 1)} V`], ["never updated", `${num(t.never_v[i], 1)} V`], [name, `${num(t.living_v[i], 1)} V`]],
    table: () => ({ head: ["Time, s", "Measured, V", "Never updated, V", "σ, V", `${name}, V`, "σ, V"], rows: t.time_s.map((s, i) => [s, t.measured_v[i], t.never_v[i], t.never_sd_v[i], t.living_v[i], t.living_sd_v[i]]), decimals: [0, 2, 2, 2, 2, 2] }),
  });
}
function parameterCard(v, p, link) {
  const kinds = new Map(v.versions.map((e) => [e.number, e.kind])), ends = v.trips.length ? v.trips[v.trips.length - 1].number : 1;
  const first = Math.min(v.trips.length ? v.trips[0].number : 0, ...p.trip), domain = [first, Math.max(ends, first + 1)];
  const x = p.trip.flatMap((t, i) => [t, i + 1 < p.trip.length ? p.trip[i + 1] : domain[1]]), twice = (ys) => ys.flatMap((y) => [y, y]);
  const lo = p.mean.map((m, i) => m - 2 * p.sd[i]), hi = p.mean.map((m, i) => m + 2 * p.sd[i]), now = p.mean.length - 1;
  const changed = p.version.map((n, i) => i).filter((i) => ["accepted", "rollback", "promoted"].includes(kinds.get(p.version[i])));
  const range = niceDomain(p.axis ? [...p.axis] : [...lo, ...hi, p.never]), held = (value) => Math.min(Math.max(value, range[0]), range[1]);
  return chart({
    title: p.label, mark: "estimated", unit: `${p.unit ? `${p.unit}, ` : ""}±2σ`, now: [num(p.mean[now], p.decimals), `±${num(2 * p.sd[now], p.decimals)}`], link,
    summary: `From ${num(p.mean[0], p.decimals)} to ${num(p.mean[now], p.decimals)} ${p.unit} over ${plural(p.mean.length, "version")}.`,
    x: { domain, ticks: tripTicks(...domain), first: "trip " },
    panels: [{ height: 110, domain: range, lines: 3, layers: [{ t: "band", x, lo: twice(lo).map(held), hi: twice(hi).map(held), role: "estimated" },
      ...(known(p.never) ? [{ t: "rule", y: held(p.never), role: "never", dash: "never", end: "never" }] : []),
      { t: "line", x, y: twice(p.mean).map(held), role: "estimated", width: 1.7 }, { t: "marks", shape: "tri", role: "estimated", size: 4, x: changed.map((i) => p.trip[i]), y: changed.map((i) => held(p.mean[i])), names: changed.map((i) => `Version ${p.version[i]}, ${kinds.get(p.version[i])}, ${num(p.mean[i], p.decimals)} ${p.unit}`) }] }],
    stops: p.trip, read: (i) => [["trip", num(p.trip[i])], [`v${p.version[i]}`, `${num(p.mean[i], p.decimals)} ± ${num(2 * p.sd[i], p.decimals)} ${p.unit}`]],
    table: () => ({ head: ["Version", "Trip", `${p.label}${p.unit ? `, ${p.unit}` : ""}`, "±2σ"], rows: p.version.map((n, i) => [n, p.trip[i], p.mean[i], 2 * p.sd[i]]), decimals: [0, 0, p.decimals + 1, p.decimals + 1] }),
  });
}
function historyCard(v, byTrip, choose, again) {
  const h = v.history;
  if (!h.start_us.length) return card({ span: "full", title: "Voltage history" }, el("p", { class: "empty" }, "No measured voltage is in this page."));
  const begin = [], stretch = [];
  let clockless = 0;
  const whole = h.start_us.reduce((sum, s, i) => sum + h.end_us[i] - s, 0) / h.start_us.length;
  h.start_us.forEach((s, i) => { begin.push(byTrip ? clockless : s); stretch.push(Math.max(h.end_us[i] - s, 1)); clockless += stretch[i] + whole * 0.08; });
  const x0 = [], x1 = [], lo = h.min_v.flat(), hi = h.max_v.flat();
  h.min_v.forEach((bucket, i) => bucket.forEach((_, k) => { x0.push(begin[i] + stretch[i] * (k / bucket.length)); x1.push(begin[i] + stretch[i] * ((k + 1) / bucket.length)); }));
  const domain = [begin[0], begin[begin.length - 1] + stretch[stretch.length - 1]], stops = begin.map((b, i) => b + stretch[i] / 2);
  const least = (ys) => Math.min(...ys.filter(known)), most = (ys) => Math.max(...ys.filter(known));
  const controls = el("div", { class: "group", role: "group", "aria-label": "Time axis" }, [["By date", false], ["Trip by trip", true]].map(([text, value]) => el("button", { type: "button", class: "small", "aria-pressed": String(value === byTrip), onclick: () => again(value) }, text)));
  return chart({
    span: "full", title: "Voltage history", mark: "measured", unit: `pack voltage, V · ${plural(h.samples, "sample")}, min–max per pixel · ${byTrip ? "time between sessions left out" : "gaps are time without samples"}`, controls: [controls],
    summary: `${plural(h.start_us.length, "session")} between ${num(least(lo), 1)} and ${num(most(hi), 1)} V.`,
    x: { domain, ...(byTrip ? { first: "trip ", ticks: (count) => { const skip = Math.max(1, niceTicks(0, begin.length, Math.min(count, 10)).at[1] || 1), at = begin.filter((_, i) => i % skip === 0); return { at, text: (b) => num(h.trip[begin.indexOf(b)]) }; } } : { ticks: (count) => timeTicks(...domain, Math.max(2, Math.floor(count * 0.6))) }) },
    panels: [{ height: 130, domain: niceDomain([least(lo), most(hi)]), layers: [{ t: "ranges", x0, x1, lo, hi, role: "measured" }] }],
    stops, pick: (i) => choose(h.trip[i]), read: (i) => [["trip", num(h.trip[i])], ["", moment(h.start_us[i])], ["from", `${num(least(h.min_v[i]), 1)} V`], ["to", `${num(most(h.max_v[i]), 1)} V`]],
    table: () => ({ head: ["Trip", "Start", "End", "Lowest, V", "Highest, V"], rows: h.trip.map((t, i) => [t, moment(h.start_us[i]), moment(h.end_us[i]), least(h.min_v[i]), most(h.max_v[i])]), decimals: [0, 0, 0, 1, 1] }),
  });
}
function coverageCard(v) {
  const host = el("div", { class: "plot", role: "img", "aria-label": v.coverage.map((r) => `${r.group}: living twin ${num(r.living_pct, 1)} %, never updated ${num(r.never_pct, 1)} %`).join("; ") });
  const low = Math.min(90, ...v.coverage.flatMap((r) => [r.living_pct, r.never_pct]).filter(known));
  const redraw = () => dumbbell(host, v.coverage, { goal: [93, 97], domain: [Math.max(0, Math.floor(low / 10) * 10 - (low < 60 ? 10 : 5)), 100] });
  new ResizeObserver(() => requestAnimationFrame(redraw)).observe(host);
  return card({ title: "Band coverage", mark: "estimated", unit: "% inside 95 %", table: () => ({ head: ["Trips", "Number", "Living twin, %", "Never updated, %"], rows: v.coverage.map((r) => [r.group, r.trips, r.living_pct, r.never_pct]), decimals: [0, 0, 1, 1] }) },
    [el("ul", { class: "legend" }, [{ kind: "disc", role: "estimated", text: "living twin" }, { kind: "diamond", role: "never", text: "never updated" }, { kind: "band", role: "estimated", text: "goal 93–97 %" }].map(swatch)), host]);
}
const KIND = { prototype: "prototype", accepted: "accepted", refused: "refused", rollback: "roll-back", promoted: "promoted" };
function kindMark(kind) {
  const node = svg("svg", { width: 22, height: 22, viewBox: "0 0 22 22", "aria-hidden": "true" }), full = kind === "accepted" || kind === "promoted", colour = `var(--${kind === "refused" ? "never" : full ? "accent" : "control"})`;
  const path = { accepted: "M7 11.3l2.8 2.8L15 8.5", promoted: "M7 11.3l2.8 2.8L15 8.5", refused: "M8 8l6 6M14 8l-6 6", rollback: "M8 8v4h4M8 11.5a4 4 0 1 1 2 3.5", prototype: "M8 11h6M11 8v6" }[kind];
  return set(node, {}, [svg("circle", { cx: 11, cy: 11, r: 9.6, css: { fill: full ? colour : "none", stroke: colour, "stroke-width": 1.3 } }), svg("path", { d: path || "", css: { fill: "none", stroke: full ? "var(--on-accent)" : colour, "stroke-width": 1.5 } })]);
}
function effect(e) {
  if (e.kind === "prototype" || !known(e.error_v)) return "";
  if (e.kind === "refused") return known(e.challenger_v) ? `Error ${volts(e.error_v)} V deployed, ${volts(e.challenger_v)} V proposed.` : `Error ${volts(e.error_v)} V.`;
  return known(e.next_error_v) ? `Error ${volts(e.error_v)} → ${volts(e.next_error_v)} V on the next trip.` : `Error ${volts(e.error_v)} V; the next trip will show its effect.`;
}
function versionsCard(v) {
  const chip = fleet.chain_ok === null ? null : el("span", { class: `chip ${fleet.chain_ok ? "good" : "bad"}` }, fleet.chain_ok ? "✓ chain verified" : "✕ chain broken");
  return card({ title: "Versions", unit: num(v.versions.length), controls: chip ? [chip] : [] }, el("ol", { class: "versions", tabindex: 0, "aria-label": "Versions, newest first", reversed: true }, v.versions.slice().reverse().map((e) => el("li", {}, kindMark(e.kind), el("div", {},
    el("p", { class: "top" }, el("b", {}, `v${e.number}`), el("span", { class: "kind" }, KIND[e.kind] || e.kind), e.deployed && el("span", { class: "chip accent" }, "deployed"), stamp(e.time_us, day)),
    el("p", {}, e.reason), effect(e) && el("p", { class: "effect" }, `${e.trip ? `Trip ${num(e.trip)}. ` : ""}${effect(e)}`), e.hash && el("p", { class: "hash", title: e.hash }, `${e.hash.slice(0, 8)} ← ${e.parent_hash ? e.parent_hash.slice(0, 8) : "none"}`))))));
}
function refusedCard(v, choose) {
  const rows = v.versions.filter((e) => e.kind === "refused").reverse(), r = (value) => el("td", { class: "r" }, known(value) ? volts(value) : unknown());
  if (!rows.length) return card({ span: "w12", title: "What was refused and why" }, el("p", { class: "empty" }, "Nothing was refused. A refused update keeps the parameters and says why."));
  return card({ span: "w12", title: "What was refused and why", unit: `${plural(rows.length, "update")}; the parameters were kept` }, el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Refused updates" }, el("table", {},
    el("thead", {}, el("tr", {}, ["Version", "Trip", "When", "Why"].map((h, i) => el("th", { scope: "col", class: i === 1 ? "r" : "" }, h)), ["Deployed error, V", "Proposed error, V", "Never updated, V"].map((h) => el("th", { scope: "col", class: "r" }, h)))),
    el("tbody", {}, rows.map((e) => el("tr", {}, el("th", { scope: "row" }, `v${e.number}`), el("td", { class: "r" }, e.trip ? el("a", { href: vehicleHref(v.vehicle_id, e.trip) }, num(e.trip)) : ""), el("td", {}, stamp(e.time_us)), el("td", { class: "words" }, e.reason), r(e.error_v), r(e.challenger_v), r(e.never_v)))))));
}
let open = null; // the vehicle on show
function vehiclePage(id, query) {
  const index = fleet.pages.indexOf(id), row = fleet.fleet.find((r) => r.vehicle_id === id);
  if (index < 0 || !row) return missing(id);
  const asked = Number(query.get("trip")) || null;
  if (open && open.id === id) return open.pick(asked);
  const v = embedded(`vehicle-data-${index}`), link = linked();
  const best = v.traces.find((t) => t.why === "after") || v.traces[v.traces.length - 1];
  let trip = asked || (best ? best.trip : 0);
  const choose = (t) => { location.hash = vehicleHref(id, t); };
  const charts = {};
  const swap = (name, fresh) => { if (charts[name]) charts[name].replaceWith(fresh); charts[name] = fresh; };
  const build = { error: () => errorChart(v, link, choose, () => nearestTrace(v, trip)), trace: () => traceCard(v, trip, choose), history: (byTrip) => historyCard(v, byTrip, choose, (mode) => { swap("history", build.history(mode)); charts.history.querySelector("[aria-pressed=true]").focus(); }) };
  charts.error = build.error();
  charts.trace = build.trace();
  charts.history = build.history(false);
  open = { id, pick: (t) => {
    trip = t || (best ? best.trip : 0);
    const inside = [charts.error, charts.trace].find((c) => c.contains(document.activeElement)), part = inside && (document.activeElement.matches(".plot") ? ".plot" : ".group [aria-pressed=true]");
    for (const name of ["error", "trace"]) { const held = inside === charts[name]; swap(name, build[name]()); if (held) { const target = charts[name].querySelector(part); if (target) target.focus({ preventScroll: true }); } }
    announce(charts.trace.querySelector("h2").textContent);
  } };
  where([["Fleet", "#/"], [id]]);
  document.title = `${id} · ${fleet.title} · twinpack`;
  const step = (k, text) => { const other = fleet.pages[index + k]; return other === undefined ? null : el("a", { class: "button", href: vehicleHref(other) }, text(other)); };
  main.replaceChildren(
    el("div", { class: "title" }, el("h1", {}, id), el("p", { class: "facts" }, [v.pack_facts, known(row.distance_km) ? `${num(row.distance_km)} km` : "", plural(row.trips, "trip")].filter(Boolean).join(" · ")), row.last_seen_us && el("span", { class: "chip" }, "last seen ", stamp(row.last_seen_us)), el("nav", { class: "right", "aria-label": "Other vehicles" }, step(-1, (o) => `← ${o}`), step(1, (o) => `${o} →`))),
    el("div", { class: "grid" }, headline(v, row), loopStrip(v), el("div", { class: "main" }, charts.error, charts.trace, v.parameters.map((p) => parameterCard(v, p, link)), charts.history), el("div", { class: "side" }, coverageCard(v), versionsCard(v)), refusedCard(v, choose)));
}
const nearestTrace = (v, trip) => (v.traces.length ? v.traces.reduce((best, c) => (Math.abs(c.trip - trip) < Math.abs(best.trip - trip) ? c : best)).trip : trip);
function missing(id) {
  where([["Fleet", "#/"], ["Not in this report"]]);
  main.replaceChildren(el("div", { class: "card" }, el("h1", {}, "Not in this report"), el("p", {}, `This report has no page for “${id.slice(0, 64)}”. `, el("a", { href: "#/" }, "Back to the fleet"))));
}

// ---- page ----

function themeButton() {
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const text = () => `${dark() ? "Light" : "Dark"} theme`;
  const button = el("button", { type: "button", class: "small", onclick: () => {
    const next = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("twinpack-theme", next); } catch { /* the choice then lasts as long as the page */ }
    button.textContent = text();
  } }, text());
  return button;
}
let first = true;
function route() {
  const { vehicle, query } = address(), same = open && open.id === vehicle;
  if (!vehicle) { open = null; fleetPage(query); } else vehiclePage(vehicle, query);
  if (!same && !first) { scrollTo(0, 0); main.focus({ preventScroll: true }); }
  first = false;
}
document.getElementById("tools").append(themeButton());
document.addEventListener("keydown", (e) => {
  const box = document.getElementById("filter");
  if (e.key === "/" && box && !e.target.closest("input")) { box.focus(); e.preventDefault(); }
});
document.querySelector(".skip").addEventListener("click", (e) => { e.preventDefault(); main.focus(); });
addEventListener("hashchange", route);
route();
