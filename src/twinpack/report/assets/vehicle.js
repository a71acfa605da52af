"use strict";
// The page of one vehicle: its health, its last loop, its charts and its versions.

function headline(v, row) {
  const sd = row.health_sd_pct || 0;
  const health = known(row.health_pct)
    ? [
        el("span", { class: "fig xl" }, num(row.health_pct, 1), el("small", {}, "%")),
        el("small", {}, range95(row.health_pct, sd), el("br"), "95 % interval"),
      ]
    : [
        el("span", { class: "fig unknown" }, "not known yet"),
        el("small", {}, "a trip with a wider charge swing would help"),
      ];
  return el(
    "section",
    { class: "card headline w12", "aria-label": "Health" },
    el(
      "div",
      {},
      el("p", { class: "label" }, mark("estimated"), "Capacity health"),
      el("div", { class: "pair" }, health),
    ),
    el(
      "div",
      { class: "why" },
      el("h2", {}, "Why did health change?"),
      el(
        "ul",
        { tabindex: 0, "aria-label": "Changes in words, newest first" },
        v.explanations.length
          ? v.explanations.map((text) => el("li", {}, text))
          : el("li", {}, "It has not changed: no update has been accepted yet."),
      ),
    ),
    small(
      "Resistance",
      known(row.resistance_x) ? num(row.resistance_x, 2) : null,
      "× new",
      "estimated",
      "as deployed now",
    ),
    small(
      "Error with updates",
      known(row.error_living_v) ? volts(row.error_living_v) : null,
      "V",
      "estimated",
      known(row.error_never_v) ? `never updated ${volts(row.error_never_v)} V, medians` : "",
    ),
    fleet.fleet.length > 1 &&
      small(
        "From fleet median",
        known(row.deviation_pts) ? signed(row.deviation_pts, 1) : null,
        "pts",
        "estimated",
        "of capacity health",
      ),
  );
}
function small(label, figure, unit, kind, note) {
  return el(
    "div",
    {},
    el("p", { class: "label" }, mark(kind), label),
    figure === null
      ? el("p", { class: "fig unknown" }, "not known yet")
      : [el("p", { class: "fig" }, figure, el("small", {}, unit)), el("p", { class: "label" }, note)],
  );
}
function loopStrip(v) {
  if (!v.loop.length) return null;
  const refused = v.loop[v.loop.length - 1].word.startsWith("Refused");
  return el(
    "section",
    { class: "card w12", "aria-label": "The last decision in five steps" },
    el(
      "ol",
      { class: "loop" },
      v.loop.map((s, i) =>
        el(
          "li",
          { class: refused && i === 4 ? "refused" : "" },
          el("span", { class: "dot", "aria-hidden": "true" }, refused && i === 4 ? "✕" : String(i + 1)),
          el("p", {}, el("b", {}, s.word), ` ${s.rest}`, el("small", {}, s.support)),
        ),
      ),
    ),
  );
}
const KIND = {
  prototype: "prototype",
  accepted: "accepted",
  refused: "refused",
  rollback: "roll-back",
  promoted: "promoted",
  replayed: "replayed",
};
function kindMark(kind) {
  const node = svg("svg", { width: 22, height: 22, viewBox: "0 0 22 22", "aria-hidden": "true" }),
    full = kind === "accepted" || kind === "promoted",
    colour = `var(--${kind === "refused" ? "never" : full ? "accent" : "control"})`;
  const path = {
    accepted: "M7 11.3l2.8 2.8L15 8.5",
    promoted: "M7 11.3l2.8 2.8L15 8.5",
    refused: "M8 8l6 6M14 8l-6 6",
    rollback: "M8 8v4h4M8 11.5a4 4 0 1 1 2 3.5",
    replayed: "M14 8v4h-4M14 11.5a4 4 0 1 0 -2 3.5",
    prototype: "M8 11h6M11 8v6",
  }[kind];
  return set(node, {}, [
    svg("circle", {
      cx: 11,
      cy: 11,
      r: 9.6,
      css: { fill: full ? colour : "none", stroke: colour, "stroke-width": 1.3 },
    }),
    svg("path", {
      d: path || "",
      css: { fill: "none", stroke: full ? "var(--on-accent)" : colour, "stroke-width": 1.5 },
    }),
  ]);
}
function effect(e) {
  if (e.kind === "prototype" || !known(e.error_v)) return "";
  if (e.kind === "refused")
    return known(e.challenger_v)
      ? `Error ${volts(e.error_v)} V deployed, ${volts(e.challenger_v)} V proposed.`
      : `Error ${volts(e.error_v)} V.`;
  return known(e.next_error_v)
    ? `Error ${volts(e.error_v)} → ${volts(e.next_error_v)} V on the next trip.`
    : `Error ${volts(e.error_v)} V; the next trip will show its effect.`;
}
function versionsCard(v) {
  const chip =
    fleet.chain_ok === null
      ? null
      : el(
          "span",
          { class: `chip ${fleet.chain_ok ? "good" : "bad"}` },
          fleet.chain_ok ? "✓ chain verified" : "✕ chain broken",
        );
  return card(
    { title: "Versions", unit: num(v.versions.length), controls: chip ? [chip] : [] },
    el(
      "ol",
      { class: "versions", tabindex: 0, "aria-label": "Versions, newest first", reversed: true },
      v.versions
        .slice()
        .reverse()
        .map((e) =>
          el(
            "li",
            {},
            kindMark(e.kind),
            el(
              "div",
              {},
              el(
                "p",
                { class: "top" },
                el("b", {}, `v${e.number}`),
                el("span", { class: "kind" }, KIND[e.kind] || e.kind),
                e.deployed && el("span", { class: "chip accent" }, "deployed"),
                stamp(e.time_us, day),
              ),
              el("p", {}, e.reason),
              effect(e) && el("p", { class: "effect" }, `${e.trip ? `Trip ${num(e.trip)}. ` : ""}${effect(e)}`),
              e.hash &&
                el(
                  "p",
                  { class: "hash", title: e.hash },
                  `${e.hash.slice(0, 8)} ← ${e.parent_hash ? e.parent_hash.slice(0, 8) : "none"}`,
                ),
            ),
          ),
        ),
    ),
  );
}
function refusedCard(v, choose) {
  const rows = v.versions.filter((e) => e.kind === "refused").reverse(),
    r = (value) => el("td", { class: "r" }, known(value) ? volts(value) : unknown());
  if (!rows.length)
    return card(
      { span: "w12", title: "What was refused and why" },
      el("p", { class: "empty" }, "Nothing was refused. A refused update keeps the parameters and says why."),
    );
  return card(
    {
      span: "w12",
      title: "What was refused and why",
      unit: `${plural(rows.length, "update")}; the parameters were kept`,
    },
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Refused updates" },
      el(
        "table",
        {},
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            ["Version", "Trip", "When", "Why"].map((h, i) => el("th", { scope: "col", class: i === 1 ? "r" : "" }, h)),
            ["Deployed error, V", "Proposed error, V", "Never updated, V"].map((h) =>
              el("th", { scope: "col", class: "r" }, h),
            ),
          ),
        ),
        el(
          "tbody",
          {},
          rows.map((e) =>
            el(
              "tr",
              {},
              el("th", { scope: "row" }, `v${e.number}`),
              el("td", { class: "r" }, e.trip ? el("a", { href: vehicleHref(v.vehicle_id, e.trip) }, num(e.trip)) : ""),
              el("td", {}, stamp(e.time_us)),
              el("td", { class: "words" }, e.reason),
              r(e.error_v),
              r(e.challenger_v),
              r(e.never_v),
            ),
          ),
        ),
      ),
    ),
  );
}
let open = null; // the vehicle on show
function vehiclePage(id, query) {
  const index = fleet.pages.indexOf(id),
    row = fleet.fleet.find((r) => r.vehicle_id === id);
  if (index < 0 || !row) return missing(id);
  const asked = Number(query.get("trip")) || null;
  if (open && open.id === id) return open.pick(asked);
  const v = embedded(`vehicle-data-${index}`),
    link = linked();
  const best = v.traces.find((t) => t.why === "after") || v.traces[v.traces.length - 1];
  let trip = asked || (best ? best.trip : 0);
  const choose = (t) => {
    location.hash = vehicleHref(id, t);
  };
  const charts = {};
  const swap = (name, fresh) => {
    if (charts[name]) charts[name].replaceWith(fresh);
    charts[name] = fresh;
  };
  const build = {
    error: () => errorChart(v, link, choose, () => nearestTrace(v, trip)),
    trace: () => traceCard(v, trip, choose),
    history: (byTrip) =>
      historyCard(v, byTrip, choose, (mode) => {
        swap("history", build.history(mode));
        charts.history.querySelector("[aria-pressed=true]").focus();
      }),
  };
  charts.error = build.error();
  charts.trace = build.trace();
  charts.history = build.history(false);
  open = {
    id,
    pick: (t) => {
      trip = t || (best ? best.trip : 0);
      const inside = [charts.error, charts.trace].find((c) => c.contains(document.activeElement)),
        part = inside && (document.activeElement.matches(".plot") ? ".plot" : ".group [aria-pressed=true]");
      for (const name of ["error", "trace"]) {
        const held = inside === charts[name];
        swap(name, build[name]());
        if (held) {
          const target = charts[name].querySelector(part);
          if (target) target.focus({ preventScroll: true });
        }
      }
      announce(charts.trace.querySelector("h2").textContent);
    },
  };
  where([["Fleet", "#/"], [id]]);
  document.title = `${id} · ${fleet.title} · twinpack`;
  const step = (k, text) => {
    const other = fleet.pages[index + k];
    return other === undefined ? null : el("a", { class: "button", href: vehicleHref(other) }, text(other));
  };
  main.replaceChildren(
    el(
      "div",
      { class: "title" },
      el("h1", {}, id),
      el(
        "p",
        { class: "facts" },
        [v.pack_facts, known(row.distance_km) ? `${num(row.distance_km)} km` : "", plural(row.trips, "trip")]
          .filter(Boolean)
          .join(" · "),
      ),
      row.last_seen_us && el("span", { class: "chip" }, "last seen ", stamp(row.last_seen_us)),
      el(
        "nav",
        { class: "right", "aria-label": "Other vehicles" },
        step(-1, (o) => `← ${o}`),
        step(1, (o) => `${o} →`),
      ),
    ),
    el(
      "div",
      { class: "grid" },
      headline(v, row),
      loopStrip(v),
      el(
        "div",
        { class: "main" },
        charts.error,
        charts.trace,
        v.parameters.map((p) => parameterCard(v, p, link)),
        charts.history,
      ),
      el("div", { class: "side" }, coverageCard(v), versionsCard(v)),
      refusedCard(v, choose),
    ),
  );
}
const nearestTrace = (v, trip) =>
  v.traces.length
    ? v.traces.reduce((best, c) => (Math.abs(c.trip - trip) < Math.abs(best.trip - trip) ? c : best)).trip
    : trip;
function missing(id) {
  where([["Fleet", "#/"], ["Not in this report"]]);
  main.replaceChildren(
    el(
      "div",
      { class: "card" },
      el("h1", {}, "Not in this report"),
      el("p", {}, `This report has no page for “${id.slice(0, 64)}”. `, el("a", { href: "#/" }, "Back to the fleet")),
    ),
  );
}
