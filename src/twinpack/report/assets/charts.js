"use strict";
// Inline SVG charts without a library. Data only ever enters the page as text nodes and numbers.

const THIN = "\u2009", MINUS = "\u2212", NS = "http://www.w3.org/2000/svg";
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const known = (v) => v !== null && v !== undefined && Number.isFinite(v);
const two = (n) => String(n).padStart(2, "0");

function num(value, decimals = 0) {
  if (!known(value)) return "not known";
  const [whole, part] = Math.abs(value).toFixed(decimals).split(".");
  const grouped = whole.length > 3 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN) : whole;
  const text = part ? `${grouped}.${part}` : grouped;
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}
const signed = (value, decimals) => {
  const text = num(value, decimals);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
};
const volts = (v) => num(v, known(v) && Math.abs(v) < 0.1 ? 3 : 2);
const plural = (n, one, many = `${one}s`) => `${num(n)} ${n === 1 ? one : many}`;
const day = (us) => { const d = new Date(us / 1000); return `${d.getDate()} ${MONTHS[d.getMonth()]} ${d.getFullYear()}`; };
const clock = (us) => { const d = new Date(us / 1000); return `${two(d.getHours())}:${two(d.getMinutes())}`; };
const moment = (us) => `${day(us)}, ${clock(us)}`;

function set(node, attrs, children) {
  for (const [key, value] of Object.entries(attrs || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "css") for (const [name, v] of Object.entries(value)) node.style.setProperty(name, v);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of [children].flat(3)) if (child !== null && child !== undefined && child !== false) node.append(child);
  return node;
}
const el = (tag, attrs, ...children) => set(document.createElement(tag), attrs, children);
const svg = (tag, attrs, ...children) => set(document.createElementNS(NS, tag), attrs, children);
const stamp = (us, text = moment) => {
  const utc = new Date(us / 1000).toISOString();
  return el("time", { datetime: utc, title: `${utc.slice(0, 19).replace("T", " ")} UTC` }, text(us));
};

const pen = document.createElement("canvas").getContext("2d");
function textWidth(text, strong) {
  pen.font = `${strong ? 600 : 400} 11px ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(text).width;
}

// Round steps: 1, 2, 2.5 or 5 times a power of ten, at most `most` intervals.
function niceStep(span, most) {
  const rough = span / most, power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].find((m) => m * power >= rough * 0.9999) * power;
}
function niceTicks(lo, hi, most = 4) {
  if (!(hi > lo)) { hi = lo + 1; }
  const step = niceStep(hi - lo, most), out = [];
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9; k++) out.push(k * step);
  return { at: out, decimals: Math.max(0, Math.ceil(-Math.log10(step) - 1e-9) + (/^2\.5/.test((step / 10 ** Math.floor(Math.log10(step) + 1e-9)).toFixed(2)) ? 1 : 0)) };
}
// A domain that starts and ends on a round value.
function niceDomain(values, zero) {
  const list = values.filter(known);
  let lo = zero ? 0 : Infinity, hi = zero ? 0 : -Infinity;
  for (const v of list) { if (v < lo) lo = v; if (v > hi) hi = v; }
  if (!list.length) return [0, 1];
  if (hi - lo < 1e-9) { hi += zero ? 1 : 0.5; lo -= zero ? 0 : 0.5; }
  const step = niceStep(hi - lo, 4);
  return [Math.floor(lo / step + 1e-9) * step, Math.ceil(hi / step - 1e-9) * step];
}

const HOUR = 3.6e9, DAY = 24 * HOUR;
function timeTicks(lo, hi, most) {
  const span = hi - lo, small = [HOUR / 12, HOUR / 4, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY].find((s) => span / s <= most);
  if (small) {
    const offset = new Date(lo / 1000).getTimezoneOffset() * 6e7, out = [];
    for (let t = Math.ceil((lo - offset) / small) * small + offset; t <= hi; t += small) out.push(t);
    return { at: out, text: small < DAY ? clock : (us) => day(us).replace(/ \d+$/, "") };
  }
  const months = [1, 3, 6, 12, 24, 60, 120].find((m) => span / (m * 30.4 * DAY) <= most) || 240, out = [];
  const first = new Date(lo / 1000);
  for (let m = Math.floor((first.getFullYear() * 12 + first.getMonth()) / months) * months; ; m += months) {
    const at = new Date(Math.floor(m / 12), m % 12, 1).getTime() * 1000;
    if (at > hi) break;
    if (at >= lo) out.push(at);
  }
  const text = (us) => { const d = new Date(us / 1000); return months >= 12 ? String(d.getFullYear()) : `${MONTHS[d.getMonth()]} ${d.getFullYear()}`; };
  return { at: out, text };
}

// ---- marks ----

const SHAPES = {
  disc: (r) => svg("circle", { r }),
  ring: (r) => svg("circle", { r, css: { fill: "var(--surface)", "stroke-width": 2 } }),
  tri: (r) => svg("path", { d: `M0 ${-r}L${r} ${r * 0.8}H${-r}Z` }),
  cross: (r) => svg("path", { d: `M${-r} ${-r}L${r} ${r}M${-r} ${r}L${r} ${-r}`, css: { "stroke-width": 2.2 } }),
  diamond: (r) => svg("path", { d: `M0 ${-r}L${r} 0L0 ${r}L${-r} 0Z`, css: { fill: "var(--surface)", "stroke-width": 1.6 } }),
};
function shape(kind, role, x = 0, y = 0, r = 4.5, name = "") {
  const node = SHAPES[kind](r), colour = `var(--${role})`;
  node.setAttribute("transform", `translate(${x} ${y})`);
  node.style.stroke = kind === "disc" || kind === "tri" ? "var(--surface)" : colour;
  if (!node.style.fill) node.style.fill = kind === "cross" ? "none" : colour;
  if (name) set(node, { role: "img", "aria-label": name }, svg("title", {}, name));
  return node;
}
// How a figure is known: measured, estimated or forecast.
function mark(kind) {
  const names = { measured: "measured", estimated: "estimated by the living twin", forecast: "forecast" };
  const node = svg("svg", { class: "mark", width: 10, height: 10, viewBox: "0 0 10 10", role: "img", "aria-label": names[kind] }, svg("title", {}, names[kind]));
  const colour = `var(--${kind})`;
  if (kind === "measured") node.append(svg("circle", { cx: 5, cy: 5, r: 3.8, css: { fill: colour } }));
  else node.append(svg("circle", { cx: 5, cy: 5, r: 3.8, css: { fill: "none", stroke: colour, "stroke-width": 1.6, "stroke-dasharray": kind === "forecast" ? "2 2" : "none" } }));
  if (kind === "estimated") node.append(svg("path", { d: "M5 1.2a3.8 3.8 0 0 0 0 7.6Z", css: { fill: colour } }));
  return node;
}
const DASH = { never: "4 3", limit: "5 3", reference: "4 3", forecast: "5 4", event: "2 2" };
function swatch(item) {
  const node = svg("svg", { width: 18, height: 10, viewBox: "0 0 18 10", "aria-hidden": "true" }), colour = `var(--${item.role})`;
  if (item.kind === "line" || item.kind === "dash") node.append(svg("path", { d: "M0 5H18", css: { stroke: colour, "stroke-width": 1.8, "stroke-dasharray": item.kind === "dash" ? "4 3" : "none" } }));
  else if (item.kind === "band") node.append(svg("rect", { width: 18, height: 10, rx: 2, css: { fill: colour, "fill-opacity": 0.22 } }));
  else if (item.kind === "bar") node.append(svg("rect", { y: 1, width: 18, height: 8, rx: 1, css: { fill: colour } }));
  else node.append(shape(item.kind, item.role, 9, 5, 4));
  return el("li", {}, node, item.text);
}

// ---- cards ----

// Title, provenance, unit, legend, and the same numbers as a table on request.
function card(options, body) {
  const id = `t${card.count = (card.count || 0) + 1}`;
  const holder = el("div", {}, body), end = el("div", { class: "end" });
  const section = el("section", { class: `card ${options.span || ""}`, "aria-labelledby": id },
    el("div", { class: "head" }, el("h2", { id }, options.title), options.mark && mark(options.mark), options.unit && el("span", { class: "unit" }, options.unit), end), holder);
  if (options.now) end.append(el("span", { class: "now" }, el("b", {}, options.now[0]), options.now[1] && el("span", {}, options.now[1])));
  if (options.legend) end.append(el("ul", { class: "legend" }, options.legend.map(swatch)));
  if (options.controls) end.append(...options.controls);
  if (options.table) {
    const button = el("button", { class: "small", type: "button", "aria-pressed": "false", "aria-label": `Table: ${options.title}`, onclick: () => {
      const open = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", open);
      holder.replaceChildren(...(open ? [numbers(options.title, options.table())] : [body].flat().filter(Boolean)));
    } }, "Table");
    end.append(button);
  }
  return section;
}
const alignment = (rows, column) => (rows.some((row) => typeof row[column] === "string") ? "" : "r");
function numbers(title, { head, rows, decimals = [] }) {
  const side = head.map((_, i) => alignment(rows, i));
  const text = (v, i) => (typeof v === "string" ? v : known(v) ? num(v, decimals[i] || 0) : "");
  const table = el("table", {}, el("caption", { class: "quiet" }, title),
    el("thead", {}, el("tr", {}, head.map((h, i) => el("th", { scope: "col", class: side[i] }, h)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((v, i) => (i ? el("td", { class: side[i] }, text(v, i)) : el("th", { scope: "row", class: side[i] }, text(v, i))))))));
  return el("div", {}, el("div", { class: "tall", tabindex: 0, role: "region", "aria-label": `${title}, table` }, table),
    el("p", {}, el("button", { class: "small", type: "button", onclick: () => download(title, head, rows) }, "Save as CSV")));
}
function download(title, head, rows) {
  const cell = (v) => { const s = v === null || v === undefined ? "" : String(v); return /[",\n]/.test(s) ? `"${s.replace(/"/g, '""')}"` : s; };
  const url = URL.createObjectURL(new Blob([[head, ...rows].map((r) => r.map(cell).join(",")).join("\r\n")], { type: "text/csv" }));
  el("a", { href: url, download: `${title.replace(/\W+/g, "-").toLowerCase()}.csv` }).click();
  URL.revokeObjectURL(url);
}

// ---- the chart ----

// Charts with one link share their cross-hair.
function linked() {
  const members = [];
  return { join: (show) => members.push(show), tell: (x, from) => members.forEach((show) => show !== from && show(x)) };
}

/* spec: title, unit, mark, legend, span, now, controls, table    heading, see `card`
         summary                                                   one sentence for those who do not see it
         x {domain, ticks: count => {at, text}}                    shared by all panels
         panels [{height, domain, layers, unitless}]               stacked on one x axis
         stops, read(i), pick(i), selected                         cross-hair, its read-out, choice, ring
   Layers carry `t`: line, band, bars, ranges, points, marks, rule, vrule, region. */
function chart(spec) {
  const read = el("p", { class: "read" }), host = el("div", { class: `plot${spec.pick ? " pick" : ""}`, tabindex: 0, role: "group", "aria-roledescription": "chart", "aria-label": `${spec.title}. ${spec.summary} Arrow keys step through the values${spec.pick ? ", Enter chooses" : ""}.` });
  const state = { at: null, hairs: [], scale: null };
  const stops = spec.stops || [];
  const hint = () => read.replaceChildren(spec.hint || "");
  const show = (i) => {
    state.at = i;
    if (!state.scale) return;
    state.hairs.forEach((hair) => hair.style.setProperty("display", i === null ? "none" : "inline"));
    if (i === null) return hint();
    const x = state.scale(stops[i]);
    state.hairs.forEach((hair) => { hair.setAttribute("x1", x); hair.setAttribute("x2", x); });
    const parts = spec.read(i);
    read.replaceChildren(...parts.map(([label, value]) => el("span", {}, label, value !== undefined && " ", value !== undefined && el("b", {}, value))));
  };
  const follow = (x) => show(x === null || !stops.length ? null : nearest(stops, x));
  const move = (i) => { show(i); if (spec.link) spec.link.tell(i === null ? null : stops[i], follow); };
  if (spec.link) spec.link.join(follow);
  host.addEventListener("pointermove", (e) => stops.length && state.invert && move(spec.near ? spec.near(state, e, host) : nearest(stops, state.invert(e.clientX - host.getBoundingClientRect().left))));
  host.addEventListener("pointerleave", () => move(null));
  host.addEventListener("blur", () => move(null));
  if (spec.pick) host.addEventListener("click", () => state.at !== null && spec.pick(state.at));
  host.addEventListener("keydown", (e) => {
    const last = stops.length - 1, here = state.at === null ? -1 : state.at;
    const to = { ArrowRight: Math.min(last, here + 1), ArrowLeft: here < 0 ? last : Math.max(0, here - 1), Home: 0, End: last }[e.key];
    if (to !== undefined && last >= 0) { move(to); announce([...read.children].map((part) => part.textContent.trim()).join(", ")); e.preventDefault(); }
    if (e.key === "Enter" && spec.pick && state.at !== null) spec.pick(state.at);
    if (e.key === "Escape") move(null);
  });
  let width = 0;
  const redraw = () => {
    const w = Math.floor(host.clientWidth);
    if (w && w !== width) { width = w; draw(spec, host, state, w); show(state.at); }
  };
  new ResizeObserver(() => requestAnimationFrame(redraw)).observe(host);
  host.redraw = () => { width = 0; redraw(); };
  hint();
  const section = card(spec, [stops.length ? read : null, host]);
  section.redraw = host.redraw;
  return section;
}
function nearest(list, x) {
  let best = 0;
  for (let i = 1; i < list.length; i++) if (Math.abs(list[i] - x) < Math.abs(list[best] - x)) best = i;
  return best;
}
function announce(text) { document.getElementById("announce").textContent = text; }

function draw(spec, host, state, width) {
  const narrow = width < 420, panels = spec.panels.map((p) => ({ ...p, ticks: p.ticks || niceTicks(...p.domain, p.lines || 4) }));
  const tickText = (p, v) => (p.format ? p.format(v) : num(v, p.ticks.decimals)) + (p.suffix && v === p.ticks.at[p.ticks.at.length - 1] ? p.suffix : "");
  const left = Math.ceil(Math.max(...panels.flatMap((p) => p.ticks.at.map((v) => textWidth(tickText(p, v)))))) + 10;
  const ends = panels.flatMap((p) => p.layers.filter((l) => l.end).map((l) => textWidth(l.end, true)));
  const right = ends.length && !narrow ? Math.ceil(Math.max(...ends)) + 12 : 12;
  const gap = 26, top = spec.panels.some((p) => p.layers.some((l) => l.t === "vrule" && l.text)) ? 20 : 8;
  const height = top + panels.reduce((sum, p) => sum + p.height, 0) + gap * (panels.length - 1) + 24;
  const [x0, x1] = spec.x.domain, sx = (v) => left + ((v - x0) / (x1 - x0 || 1)) * (width - left - right);
  state.scale = sx;
  state.invert = (px) => x0 + ((px - left) / (width - left - right)) * (x1 - x0);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, focusable: "false" });
  state.hairs = [];
  let y = top;
  for (const panel of panels) {
    const [lo, hi] = panel.domain, base = y + panel.height, sy = (v) => base - ((v - lo) / (hi - lo || 1)) * panel.height;
    state.sy = sy;
    for (const v of panel.ticks.at) {
      root.append(svg("path", { d: `M${left} ${sy(v)}H${width - right}`, css: { stroke: v === 0 && panel.zero ? "var(--ink-3)" : "var(--grid)" } }));
      root.append(svg("text", { x: left - 8, y: sy(v) + 4, "text-anchor": "end" }, tickText(panel, v)));
    }
    if (panel.caption) root.append(svg("text", { x: left + 2, y: y - 8 }, panel.caption));
    const labels = [];
    for (const layer of panel.layers) LAYERS[layer.t](root, layer, { sx, sy, left, right: width - right, top: y, base, narrow, labels });
    if (!narrow) placeEnds(root, labels, width - right + 6, y, base);
    const hair = svg("line", { y1: y, y2: base, css: { stroke: "var(--ink-2)", "stroke-width": 1, display: "none" } });
    state.hairs.push(hair);
    root.append(hair);
    y = base + gap;
  }
  axis(root, spec.x.ticks(Math.max(2, Math.floor((width - left - right) / 56))), sx, left, width - right, y - gap, spec.x.first);
  host.replaceChildren(root);
}
function axis(root, ticks, sx, left, right, y, first) {
  root.append(svg("path", { d: `M${left} ${y}H${right}`, css: { stroke: "var(--line-strong)" } }));
  let free = -Infinity;
  ticks.at.forEach((v, i) => {
    const text = (i === 0 && first ? first : "") + (ticks.text ? ticks.text(v) : num(v, ticks.decimals)) + (i === ticks.at.length - 1 && ticks.suffix ? ticks.suffix : "");
    const half = textWidth(text) / 2, x = Math.min(Math.max(sx(v), left - 8 + half), right + 10 - half);
    root.append(svg("path", { d: `M${sx(v)} ${y}v4`, css: { stroke: "var(--line-strong)" } }));
    if (x - half < free + 8) return;
    free = x + half;
    root.append(svg("text", { x, y: y + 17, "text-anchor": "middle" }, text));
  });
}
// Labels at line ends, pushed apart so that none covers another.
function placeEnds(root, labels, x, top, base) {
  labels.sort((a, b) => a.y - b.y);
  labels.forEach((l, i) => { l.at = Math.max(l.y, i ? labels[i - 1].at + 14 : top); });
  for (let i = labels.length - 1, limit = base; i >= 0; i--, limit = labels[i + 1].at - 14) labels[i].at = Math.min(labels[i].at, limit);
  for (const l of labels) root.append(svg("text", { x, y: l.at + 4, class: l.strong ? "strong" : "", css: { fill: `var(--${l.role})` } }, l.text));
}

function runs(xs, ...columns) {
  const out = [];
  let run = [];
  xs.forEach((x, i) => {
    if (columns.every((c) => known(c[i]))) run.push(i);
    else if (run.length) { out.push(run); run = []; }
  });
  if (run.length) out.push(run);
  return out;
}
const f1 = (v) => Math.round(v * 10) / 10;
const TEXT_ROLE = { never: "never-strong", estimated: "accent-strong", measured: "ink", cohort: "ink-3", "ink-3": "ink-3" };
const LAYERS = {
  line(root, l, c) {
    for (const run of runs(l.x, l.y)) {
      if (run.length === 1) root.append(svg("circle", { cx: c.sx(l.x[run[0]]), cy: c.sy(l.y[run[0]]), r: 1.8, css: { fill: `var(--${l.role})` } }));
      else root.append(svg("path", { d: run.map((i, k) => `${k ? "L" : "M"}${f1(c.sx(l.x[i]))} ${f1(c.sy(l.y[i]))}`).join(""), css: { fill: "none", stroke: `var(--${l.role})`, "stroke-width": l.width || 1.6, "stroke-linejoin": "round", "stroke-dasharray": DASH[l.dash] || "none" } }));
    }
    const last = l.y.findLastIndex(known);
    if (l.end && last >= 0) c.labels.push({ y: c.sy(l.y[last]), text: l.end, role: TEXT_ROLE[l.role], strong: true });
  },
  band(root, l, c) {
    for (const run of runs(l.x, l.lo, l.hi)) {
      const there = run.map((i) => `${f1(c.sx(l.x[i]))} ${f1(c.sy(l.hi[i]))}`), back = run.map((i) => `${f1(c.sx(l.x[i]))} ${f1(c.sy(l.lo[i]))}`).reverse();
      root.append(svg("path", { d: `M${[...there, ...back].join("L")}Z`, css: { fill: `var(--${l.role})`, "fill-opacity": l.role === "never" ? 0.15 : 0.2 } }));
    }
  },
  bars(root, l, c) {
    l.x0.forEach((a, i) => {
      const x = c.sx(a) + 0.75, w = Math.max(1, c.sx(l.x1[i]) - c.sx(a) - 1.5);
      if (l.y[i] > 0) root.append(svg("rect", { x, width: w, y: c.sy(l.y[i]), height: c.base - c.sy(l.y[i]), css: { fill: `var(--${l.role})` } }));
    });
  },
  // Minimum to maximum of each bucket; buckets narrower than a pixel are joined.
  ranges(root, l, c) {
    let d = "", pixel = null, end = 0, lo = 0, hi = 0;
    const flush = () => { if (pixel !== null) d += `M${pixel} ${f1(c.sy(lo) + 0.6)}V${f1(c.sy(hi) - 0.6)}H${f1(Math.max(end, pixel + 1))}V${f1(c.sy(lo) + 0.6)}Z`; };
    l.lo.forEach((bottom, i) => {
      if (!known(bottom)) return;
      const a = f1(c.sx(l.x0[i])), b = f1(c.sx(l.x1[i])), joins = i > 0 && l.x0[i] === l.x1[i - 1] && known(l.lo[i - 1]);
      // The line went on between two buckets of one session.
      const low = joins ? Math.min(bottom, l.hi[i - 1]) : bottom, high = joins ? Math.max(l.hi[i], l.lo[i - 1]) : l.hi[i];
      if (pixel !== null && b <= pixel + 1) { lo = Math.min(lo, low); hi = Math.max(hi, high); end = Math.max(end, b); return; }
      flush();
      [pixel, end, lo, hi] = [a, b, low, high];
    });
    flush();
    root.append(svg("path", { d, css: { fill: `var(--${l.role})` } }));
  },
  points(root, l, c) {
    const taken = [];
    l.x.forEach((x, i) => {
      if (!known(x) || !known(l.y[i])) return;
      const px = c.sx(x), py = c.sy(l.y[i]);
      if (l.lo) root.append(svg("path", { d: `M${px} ${c.sy(l.lo[i])}V${c.sy(l.hi[i])}`, css: { stroke: `var(--${l.role})`, "stroke-opacity": 0.35, "stroke-width": 3 } }));
      root.append(svg("circle", { cx: px, cy: py, r: 3.2, css: { fill: `var(--${l.role})`, stroke: "var(--surface)" } }));
      taken.push([px - 5, py - 6, px + 5, py + 6]);
    });
    for (const i of l.named || []) label(root, l.text[i], c.sx(l.x[i]), c.sy(l.y[i]), c, taken);
  },
  marks(root, l, c) {
    l.x.forEach((x, i) => known(l.y[i]) && root.append(shape(l.shape, l.role, c.sx(x), c.sy(l.y[i]), l.size || 4.5, l.names && l.names[i])));
  },
  rule(root, l, c) {
    root.append(svg("path", { d: `M${c.left} ${c.sy(l.y)}H${c.right}`, css: { stroke: `var(--${l.role})`, "stroke-width": 1.3, "stroke-dasharray": DASH[l.dash] || "none" } }));
    if (l.end) c.labels.push({ y: c.sy(l.y), text: l.end, role: TEXT_ROLE[l.role] || "ink-2" });
  },
  vrule(root, l, c) {
    const x = c.sx(l.x), half = textWidth(l.text || "") / 2;
    root.append(svg("path", { d: `M${x} ${c.top - 2}V${c.base}`, css: { stroke: `var(--${l.role})`, "stroke-width": 1.3, "stroke-dasharray": DASH[l.dash] || "none" } }));
    if (l.text) root.append(svg("text", { x: Math.min(Math.max(x, c.left + half), c.right - half), y: c.top - 7, "text-anchor": "middle", css: { fill: "var(--ink)" } }, l.text));
  },
  region(root, l, c) {
    root.append(svg("rect", { x: c.sx(l.x0), width: Math.max(1, c.sx(l.x1) - c.sx(l.x0)), y: c.top, height: c.base - c.top, css: { fill: `var(--${l.role})` } }));
    if (l.text && c.sx(l.x1) - c.sx(l.x0) > textWidth(l.text) + 4) root.append(svg("text", { x: c.sx(l.x0) + 3, y: c.top + 12 }, l.text));
  },
};
// A name beside its dot, on the first free side; none when all are taken.
function label(root, text, x, y, c, taken) {
  const w = textWidth(text, true) + 2;
  for (const [ax, ay] of [[7, 4], [-7 - w, 4], [-w / 2, -9], [-w / 2, 17]]) {
    const box = [x + ax, y + ay - 10, x + ax + w, y + ay + 3];
    const clear = box[0] >= c.left && box[2] <= c.right && box[1] >= c.top && box[3] <= c.base && taken.every((t) => box[2] < t[0] || box[0] > t[2] || box[3] < t[1] || box[1] > t[3]);
    if (!clear) continue;
    taken.push(box);
    root.append(svg("text", { x: x + ax, y: y + ay, class: "strong halo", css: { fill: "var(--ink)" } }, text));
    return;
  }
}

// Living against never-updated on one horizontal scale, one row a group, and the goal as a band.
function dumbbell(host, rows, { goal, domain }) {
  const width = Math.floor(host.clientWidth);
  if (!width) return;
  const left = Math.max(...rows.map((r) => textWidth(r.group, true))) + 14, right = 14, step = 30, top = 6, base = top + rows.length * step;
  const sx = (v) => left + ((v - domain[0]) / (domain[1] - domain[0])) * (width - left - right);
  const root = svg("svg", { viewBox: `0 0 ${width} ${base + 22}`, height: base + 22, "aria-hidden": "true", focusable: "false" });
  root.append(svg("rect", { x: sx(goal[0]), width: sx(goal[1]) - sx(goal[0]), y: top, height: base - top, css: { fill: "var(--accent-soft)" } }));
  const ticks = niceTicks(...domain, 4);
  ticks.at.forEach((v, i) => root.append(svg("path", { d: `M${sx(v)} ${top}V${base}`, css: { stroke: "var(--grid)" } }), svg("text", { x: sx(v), y: base + 16, "text-anchor": i === ticks.at.length - 1 ? "end" : "middle", dx: i === ticks.at.length - 1 ? 12 : 0 }, num(v) + (i === ticks.at.length - 1 ? " %" : ""))));
  rows.forEach((row, i) => {
    const y = top + step * i + 19;
    root.append(svg("text", { x: 0, y: y + 4, class: i ? "" : "strong", css: { fill: "var(--ink)" } }, row.group));
    if (known(row.living_pct) && known(row.never_pct)) root.append(svg("path", { d: `M${sx(row.never_pct)} ${y}H${sx(row.living_pct)}`, css: { stroke: "var(--line-strong)" } }));
    const ends = [["diamond", "never", row.never_pct, 0], ["disc", "estimated", row.living_pct, 1]].filter((e) => known(e[2]));
    const near = ends.length === 2 && Math.abs(sx(ends[0][2]) - sx(ends[1][2])) < 46;
    for (const [kind, role, value, living] of ends) {
      const outward = near ? (value < ends[1 - ends.findIndex((e) => e[0] === kind)][2] ? "end" : "start") : "middle";
      const x = sx(value), shown = num(value, value >= 99.95 ? 0 : 1), half = textWidth(shown, true) / 2;
      root.append(shape(kind, role, x, y, living ? 4.5 : 5));
      const tx = outward === "middle" ? Math.min(x, width - half) : outward === "end" ? x - 2 : Math.min(x + 2, width - 2 * half);
      root.append(svg("text", { x: tx, y: y - 8, "text-anchor": outward, class: living ? "strong" : "", css: { fill: `var(--${TEXT_ROLE[role]})` } }, shown));
    }
  });
  host.replaceChildren(root);
}
