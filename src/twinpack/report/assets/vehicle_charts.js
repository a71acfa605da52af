"use strict";
// The charts of one vehicle: error per trip, one trip, parameters, voltage history, band coverage.

function errorChart(v, link, choose, chosen) {
  const trips = v.trips,
    x = trips.map((t) => t.number),
    shown = new Set(v.traces.map((t) => t.trip));
  if (!trips.some((t) => known(t.living_v)))
    return card({ span: "full", title: "Error per trip" }, el("p", { class: "empty" }, "No trip has been scored yet."));
  const domain = [Math.min(...x), Math.max(...x, x[0] + 1)],
    never = trips.map((t) => t.never_v),
    living = trips.map((t) => t.living_v);
  const of = (decision) => trips.filter((t) => t.decision === decision && known(t.living_v)),
    last = (ys) => ys.findLast(known);
  const marks = (list, kind, role, word) => ({
    t: "marks",
    shape: kind,
    role,
    x: list.map((t) => t.number),
    y: list.map((t) => t.living_v),
    names: list.map((t) => `Update ${word} on trip ${t.number}, error ${volts(t.living_v)} V`),
  });
  const embeddedTrips = trips.filter((t) => shown.has(t.number) && known(t.living_v));
  const current = trips.filter((t) => t.number === chosen() && known(t.living_v));
  return chart({
    span: "full",
    title: "Error per trip",
    mark: "estimated",
    unit: `RMSE of pack voltage, V · ${plural(trips.length, "trip")}`,
    link,
    summary: `Last scored trip ${volts(last(never))} V never updated and ${volts(last(living))} V with the living twin; ${plural(of("accepted").length, "update")} accepted, ${of("refused").length} refused.`,
    legend: [
      { kind: "line", role: "never", text: "never updated" },
      { kind: "line", role: "estimated", text: "living twin" },
      { kind: "tri", role: "estimated", text: "update accepted" },
      { kind: "cross", role: "never", text: "refused" },
      { kind: "ring", role: "estimated", text: "shown below" },
    ],
    x: { domain, ticks: tripTicks(...domain), first: "trip " },
    hint: `Choose a trip to see its samples; this page holds those of ${v.traces.map((t) => t.trip).join(", ") || "none"}.`,
    panels: [
      {
        height: 150,
        domain: niceDomain([...never, ...living, v.threshold_v], true),
        layers: [
          ...(known(v.threshold_v)
            ? [{ t: "rule", y: v.threshold_v, role: "ink-2", dash: "limit", end: `limit ${volts(v.threshold_v)}` }]
            : []),
          { t: "line", x, y: never, role: "never", width: 1.4, end: `${volts(last(never))} V` },
          { t: "line", x, y: living, role: "estimated", width: 1.7, end: `${volts(last(living))} V` },
          {
            t: "marks",
            shape: "disc",
            role: "estimated",
            size: 2.6,
            x: embeddedTrips.map((t) => t.number),
            y: embeddedTrips.map((t) => t.living_v),
          },
          marks(of("accepted"), "tri", "estimated", "accepted"),
          marks(of("refused"), "cross", "never", "refused"),
          {
            t: "marks",
            shape: "ring",
            role: "estimated",
            x: current.map((t) => t.number),
            y: current.map((t) => t.living_v),
            names: current.map((t) => `Trip ${t.number}, shown below`),
          },
        ],
      },
    ],
    stops: x,
    pick: (i) => choose(x[i]),
    read: (i) => {
      const t = trips[i];
      return [
        ["trip", num(t.number)],
        ["", moment(t.start_us)],
        ["never updated", known(t.never_v) ? `${volts(t.never_v)} V` : "not scored"],
        [`living twin v${t.version}`, known(t.living_v) ? `${volts(t.living_v)} V` : "not scored"],
        ["", t.decision],
      ];
    },
    table: () => ({
      head: ["Trip", "Start", "Kind", "Never updated, V", "Living twin, V", "In band, %", "Version", "Decision"],
      rows: trips.map((t) => [
        t.number,
        moment(t.start_us),
        t.kind,
        t.never_v,
        t.living_v,
        t.living_coverage_pct,
        t.version,
        t.decision,
      ]),
      decimals: [0, 0, 0, 2, 2, 1],
    }),
  });
}
const WHY = { first: "first", worst: "worst", update: "update", after: "after it", last: "last" };
function traceCard(v, asked, choose) {
  if (!v.traces.length)
    return card(
      { span: "full", title: "One trip" },
      el("p", { class: "empty" }, "No samples of single trips are in this page."),
    );
  const t = v.traces.reduce((best, c) => (Math.abs(c.trip - asked) < Math.abs(best.trip - asked) ? c : best));
  const x = t.time_s.map((s) => s / 60),
    end = Math.max(...x, 0.1),
    spread = (ys, sd, k) => ys.map((y, i) => (known(y) && known(sd[i]) ? y + k * 1.96 * sd[i] : null));
  const off = (ys) => ys.map((y, i) => (known(y) && known(t.measured_v[i]) ? y - t.measured_v[i] : null)),
    offNever = off(t.never_v),
    offLiving = off(t.living_v),
    scored = v.trips.find((p) => p.number === t.trip) || {};
  const [nl, nh, ll, lh] = [
    spread(t.never_v, t.never_sd_v, -1),
    spread(t.never_v, t.never_sd_v, 1),
    spread(t.living_v, t.living_sd_v, -1),
    spread(t.living_v, t.living_sd_v, 1),
  ];
  const zero = t.living_v.map((y) => (known(y) ? 0 : null)),
    rl = spread(zero, t.living_sd_v, -1),
    rh = spread(zero, t.living_sd_v, 1),
    name = `v${t.version}`;
  const start =
    t.scored_from_s > 0 ? [{ t: "region", x0: 0, x1: t.scored_from_s / 60, role: "hover", text: "not scored" }] : [];
  const picker = el(
    "div",
    { class: "group", role: "group", "aria-label": "Trips whose samples are in this page" },
    v.traces.map((c) =>
      el(
        "button",
        { type: "button", class: "small", "aria-pressed": String(c === t), onclick: () => choose(c.trip) },
        `${num(c.trip)} ${WHY[c.why] || ""}`,
      ),
    ),
  );
  return chart({
    span: "full",
    title: `Trip ${num(t.trip)}`,
    unit: `${moment(t.start_us)} · ${plural(t.samples, "sample")}, min–max kept · pack voltage, V`,
    controls: [picker],
    hint:
      asked !== t.trip
        ? `The samples of trip ${num(asked)} are not in this page; trip ${num(t.trip)} is the nearest.`
        : "",
    summary: `Measured voltage against both predictions: error ${volts(scored.never_v)} V never updated, ${volts(scored.living_v)} V with version ${t.version}.`,
    legend: [
      { kind: "line", role: "measured", text: "measured" },
      { kind: "dash", role: "never", text: "never updated, 95 %" },
      { kind: "line", role: "estimated", text: `${name}, 95 %` },
    ],
    x: { domain: [0, end], ticks: (count) => ({ ...niceTicks(0, end, Math.min(count, 10)), suffix: " min" }) },
    panels: [
      {
        height: 170,
        domain: niceDomain([...nl, ...nh, ...ll, ...lh, ...t.measured_v]),
        layers: [
          ...start,
          { t: "band", x, lo: nl, hi: nh, role: "never" },
          { t: "line", x, y: t.never_v, role: "never", width: 1.4, dash: "never", end: "never updated" },
          { t: "band", x, lo: ll, hi: lh, role: "estimated" },
          { t: "line", x, y: t.living_v, role: "estimated", width: 1.7, end: name },
          { t: "line", x, y: t.measured_v, role: "measured", width: 1.3, end: "measured" },
        ],
      },
      {
        height: 84,
        caption: "prediction − measured, V",
        domain: niceDomain([...offNever, ...offLiving, ...rl, ...rh, 0]),
        lines: 4,
        zero: true,
        layers: [
          ...start.map((s) => ({ ...s, text: "" })),
          { t: "band", x, lo: rl, hi: rh, role: "estimated" },
          {
            t: "line",
            x,
            y: offNever,
            role: "never",
            width: 1.4,
            dash: "never",
            end: known(scored.never_v) ? `never ${volts(scored.never_v)}` : "never",
          },
          {
            t: "line",
            x,
            y: offLiving,
            role: "estimated",
            width: 1.7,
            end: known(scored.living_v) ? `${name} ${volts(scored.living_v)}` : name,
          },
        ],
      },
    ],
    stops: x,
    read: (i) => [
      ["", `${num(x[i], 1)} min`],
      ["measured", `${num(t.measured_v[i], 1)} V`],
      ["never updated", `${num(t.never_v[i], 1)} V`],
      [name, `${num(t.living_v[i], 1)} V`],
    ],
    table: () => ({
      head: ["Time, s", "Measured, V", "Never updated, V", "σ, V", `${name}, V`, "σ, V"],
      rows: t.time_s.map((s, i) => [
        s,
        t.measured_v[i],
        t.never_v[i],
        t.never_sd_v[i],
        t.living_v[i],
        t.living_sd_v[i],
      ]),
      decimals: [0, 2, 2, 2, 2, 2],
    }),
  });
}
function parameterCard(v, p, link) {
  const kinds = new Map(v.versions.map((e) => [e.number, e.kind])),
    ends = v.trips.length ? v.trips[v.trips.length - 1].number : 1;
  const first = Math.min(v.trips.length ? v.trips[0].number : 0, ...p.trip),
    domain = [first, Math.max(ends, first + 1)];
  const x = p.trip.flatMap((t, i) => [t, i + 1 < p.trip.length ? p.trip[i + 1] : domain[1]]),
    twice = (ys) => ys.flatMap((y) => [y, y]);
  const lo = p.mean.map((m, i) => m - 2 * p.sd[i]),
    hi = p.mean.map((m, i) => m + 2 * p.sd[i]),
    now = p.mean.length - 1;
  const changed = p.version
    .map((n, i) => i)
    .filter((i) => ["accepted", "rollback", "promoted", "replayed"].includes(kinds.get(p.version[i])));
  const range = niceDomain(p.axis ? [...p.axis] : [...lo, ...hi, p.never]),
    held = (value) => Math.min(Math.max(value, range[0]), range[1]);
  return chart({
    title: p.label,
    mark: "estimated",
    unit: `${p.unit ? `${p.unit}, ` : ""}±2σ`,
    now: [num(p.mean[now], p.decimals), `±${num(2 * p.sd[now], p.decimals)}`],
    link,
    summary: `From ${num(p.mean[0], p.decimals)} to ${num(p.mean[now], p.decimals)} ${p.unit} over ${plural(p.mean.length, "version")}.`,
    x: { domain, ticks: tripTicks(...domain), first: "trip " },
    panels: [
      {
        height: 110,
        domain: range,
        lines: 3,
        layers: [
          { t: "band", x, lo: twice(lo).map(held), hi: twice(hi).map(held), role: "estimated" },
          ...(known(p.never) ? [{ t: "rule", y: held(p.never), role: "never", dash: "never", end: "never" }] : []),
          { t: "line", x, y: twice(p.mean).map(held), role: "estimated", width: 1.7 },
          {
            t: "marks",
            shape: "tri",
            role: "estimated",
            size: 4,
            x: changed.map((i) => p.trip[i]),
            y: changed.map((i) => held(p.mean[i])),
            names: changed.map(
              (i) => `Version ${p.version[i]}, ${kinds.get(p.version[i])}, ${num(p.mean[i], p.decimals)} ${p.unit}`,
            ),
          },
        ],
      },
    ],
    stops: p.trip,
    read: (i) => [
      ["trip", num(p.trip[i])],
      [`v${p.version[i]}`, `${num(p.mean[i], p.decimals)} ± ${num(2 * p.sd[i], p.decimals)} ${p.unit}`],
    ],
    table: () => ({
      head: ["Version", "Trip", `${p.label}${p.unit ? `, ${p.unit}` : ""}`, "±2σ"],
      rows: p.version.map((n, i) => [n, p.trip[i], p.mean[i], 2 * p.sd[i]]),
      decimals: [0, 0, p.decimals + 1, p.decimals + 1],
    }),
  });
}
function historyCard(v, byTrip, choose, again) {
  const h = v.history;
  if (!h.start_us.length)
    return card(
      { span: "full", title: "Voltage history" },
      el("p", { class: "empty" }, "No measured voltage is in this page."),
    );
  const begin = [],
    stretch = [];
  let clockless = 0;
  const whole = h.start_us.reduce((sum, s, i) => sum + h.end_us[i] - s, 0) / h.start_us.length;
  h.start_us.forEach((s, i) => {
    begin.push(byTrip ? clockless : s);
    stretch.push(Math.max(h.end_us[i] - s, 1));
    clockless += stretch[i] + whole * 0.08;
  });
  const x0 = [],
    x1 = [],
    lo = h.min_v.flat(),
    hi = h.max_v.flat();
  h.min_v.forEach((bucket, i) =>
    bucket.forEach((_, k) => {
      x0.push(begin[i] + stretch[i] * (k / bucket.length));
      x1.push(begin[i] + stretch[i] * ((k + 1) / bucket.length));
    }),
  );
  const domain = [begin[0], begin[begin.length - 1] + stretch[stretch.length - 1]],
    stops = begin.map((b, i) => b + stretch[i] / 2);
  const least = (ys) => Math.min(...ys.filter(known)),
    most = (ys) => Math.max(...ys.filter(known));
  const controls = el(
    "div",
    { class: "group", role: "group", "aria-label": "Time axis" },
    [
      ["By date", false],
      ["Trip by trip", true],
    ].map(([text, value]) =>
      el(
        "button",
        { type: "button", class: "small", "aria-pressed": String(value === byTrip), onclick: () => again(value) },
        text,
      ),
    ),
  );
  return chart({
    span: "full",
    title: "Voltage history",
    mark: "measured",
    unit: `pack voltage, V · ${plural(h.samples, "sample")}, min–max per pixel · ${byTrip ? "time between sessions left out" : "gaps are time without samples"}`,
    controls: [controls],
    summary: `${plural(h.start_us.length, "session")} between ${num(least(lo), 1)} and ${num(most(hi), 1)} V.`,
    x: {
      domain,
      ...(byTrip
        ? {
            first: "trip ",
            ticks: (count) => {
              const skip = Math.max(1, niceTicks(0, begin.length, Math.min(count, 10)).at[1] || 1),
                at = begin.filter((_, i) => i % skip === 0);
              return { at, text: (b) => num(h.trip[begin.indexOf(b)]) };
            },
          }
        : { ticks: (count) => timeTicks(...domain, Math.max(2, Math.floor(count * 0.6))) }),
    },
    panels: [
      {
        height: 130,
        domain: niceDomain([least(lo), most(hi)]),
        layers: [{ t: "ranges", x0, x1, lo, hi, role: "measured" }],
      },
    ],
    stops,
    pick: (i) => choose(h.trip[i]),
    read: (i) => [
      ["trip", num(h.trip[i])],
      ["", moment(h.start_us[i])],
      ["from", `${num(least(h.min_v[i]), 1)} V`],
      ["to", `${num(most(h.max_v[i]), 1)} V`],
    ],
    table: () => ({
      head: ["Trip", "Start", "End", "Lowest, V", "Highest, V"],
      rows: h.trip.map((t, i) => [t, moment(h.start_us[i]), moment(h.end_us[i]), least(h.min_v[i]), most(h.max_v[i])]),
      decimals: [0, 0, 0, 1, 1],
    }),
  });
}
function coverageCard(v) {
  if (!v.coverage.length)
    return card({ title: "Band coverage" }, el("p", { class: "empty" }, "No trip has been scored yet."));
  const host = el("div", {
    class: "plot",
    role: "img",
    "aria-label": v.coverage
      .map((r) => `${r.group}: living twin ${num(r.living_pct, 1)} %, never updated ${num(r.never_pct, 1)} %`)
      .join("; "),
  });
  const low = Math.min(90, ...v.coverage.flatMap((r) => [r.living_pct, r.never_pct]).filter(known));
  const redraw = () =>
    dumbbell(host, v.coverage, {
      goal: [93, 97],
      domain: [Math.max(0, Math.floor(low / 10) * 10 - (low < 60 ? 10 : 5)), 100],
    });
  new ResizeObserver(() => requestAnimationFrame(redraw)).observe(host);
  return card(
    {
      title: "Band coverage",
      mark: "estimated",
      unit: "% inside 95 %",
      table: () => ({
        head: ["Trips", "Number", "Living twin, %", "Never updated, %"],
        rows: v.coverage.map((r) => [r.group, r.trips, r.living_pct, r.never_pct]),
        decimals: [0, 0, 1, 1],
      }),
    },
    [
      el(
        "ul",
        { class: "legend" },
        [
          { kind: "disc", role: "estimated", text: "living twin" },
          { kind: "diamond", role: "never", text: "never updated" },
          { kind: "band", role: "estimated", text: "goal 93–97 %" },
        ].map(swatch),
      ),
      host,
    ],
  );
}
