"use strict";
// Inline SVG charts without a library. Data only ever enters the page as text nodes and numbers.

const THIN = "\u2009",
  MINUS = "\u2212",
  NS = "http://www.w3.org/2000/svg";
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
const day = (us) => {
  const d = new Date(us / 1000);
  return `${d.getDate()} ${MONTHS[d.getMonth()]} ${d.getFullYear()}`;
};
const clock = (us) => {
  const d = new Date(us / 1000);
  return `${two(d.getHours())}:${two(d.getMinutes())}`;
};
const moment = (us) => `${day(us)}, ${clock(us)}`;

function set(node, attrs, children) {
  for (const [key, value] of Object.entries(attrs || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "css") for (const [name, v] of Object.entries(value)) node.style.setProperty(name, v);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  for (const child of [children].flat(3))
    if (child !== null && child !== undefined && child !== false) node.append(child);
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
  const rough = span / most,
    power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].find((m) => m * power >= rough * 0.9999) * power;
}
function niceTicks(lo, hi, most = 4) {
  if (!(hi > lo)) {
    hi = lo + 1;
  }
  const step = niceStep(hi - lo, most),
    out = [];
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9; k++) out.push(k * step);
  return {
    at: out,
    decimals: Math.max(
      0,
      Math.ceil(-Math.log10(step) - 1e-9) +
        (/^2\.5/.test((step / 10 ** Math.floor(Math.log10(step) + 1e-9)).toFixed(2)) ? 1 : 0),
    ),
  };
}
// A domain that starts and ends on a round value.
function niceDomain(values, zero) {
  const list = values.filter(known);
  let lo = zero ? 0 : Infinity,
    hi = zero ? 0 : -Infinity;
  for (const v of list) {
    if (v < lo) lo = v;
    if (v > hi) hi = v;
  }
  if (!list.length) return [0, 1];
  if (hi - lo < 1e-9) {
    hi += zero ? 1 : 0.5;
    lo -= zero ? 0 : 0.5;
  }
  const step = niceStep(hi - lo, 4);
  return [Math.floor(lo / step + 1e-9) * step, Math.ceil(hi / step - 1e-9) * step];
}

const HOUR = 3.6e9,
  DAY = 24 * HOUR;
function timeTicks(lo, hi, most) {
  const span = hi - lo,
    small = [HOUR / 12, HOUR / 4, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY].find(
      (s) => span / s <= most,
    );
  if (small) {
    const offset = new Date(lo / 1000).getTimezoneOffset() * 6e7,
      out = [];
    for (let t = Math.ceil((lo - offset) / small) * small + offset; t <= hi; t += small) out.push(t);
    return { at: out, text: small < DAY ? clock : (us) => day(us).replace(/ \d+$/, "") };
  }
  const months = [1, 3, 6, 12, 24, 60, 120].find((m) => span / (m * 30.4 * DAY) <= most) || 240,
    out = [];
  const first = new Date(lo / 1000);
  for (let m = Math.floor((first.getFullYear() * 12 + first.getMonth()) / months) * months; ; m += months) {
    const at = new Date(Math.floor(m / 12), m % 12, 1).getTime() * 1000;
    if (at > hi) break;
    if (at >= lo) out.push(at);
  }
  const text = (us) => {
    const d = new Date(us / 1000);
    return months >= 12 ? String(d.getFullYear()) : `${MONTHS[d.getMonth()]} ${d.getFullYear()}`;
  };
  return { at: out, text };
}

// ---- marks ----

const SHAPES = {
  disc: (r) => svg("circle", { r }),
  ring: (r) => svg("circle", { r, css: { fill: "var(--surface)", "stroke-width": 2 } }),
  tri: (r) => svg("path", { d: `M0 ${-r}L${r} ${r * 0.8}H${-r}Z` }),
  cross: (r) => svg("path", { d: `M${-r} ${-r}L${r} ${r}M${-r} ${r}L${r} ${-r}`, css: { "stroke-width": 2.2 } }),
  diamond: (r) =>
    svg("path", { d: `M0 ${-r}L${r} 0L0 ${r}L${-r} 0Z`, css: { fill: "var(--surface)", "stroke-width": 1.6 } }),
};
function shape(kind, role, x = 0, y = 0, r = 4.5, name = "") {
  const node = SHAPES[kind](r),
    colour = `var(--${role})`;
  node.setAttribute("transform", `translate(${x} ${y})`);
  node.style.stroke = kind === "disc" || kind === "tri" ? "var(--surface)" : colour;
  if (!node.style.fill) node.style.fill = kind === "cross" ? "none" : colour;
  if (name) set(node, { role: "img", "aria-label": name }, svg("title", {}, name));
  return node;
}
// How a figure is known: measured, estimated or forecast.
function mark(kind) {
  const names = { measured: "measured", estimated: "estimated by the living twin", forecast: "forecast" };
  const node = svg(
    "svg",
    { class: "mark", width: 10, height: 10, viewBox: "0 0 10 10", role: "img", "aria-label": names[kind] },
    svg("title", {}, names[kind]),
  );
  const colour = `var(--${kind})`;
  if (kind === "measured") node.append(svg("circle", { cx: 5, cy: 5, r: 3.8, css: { fill: colour } }));
  else
    node.append(
      svg("circle", {
        cx: 5,
        cy: 5,
        r: 3.8,
        css: {
          fill: "none",
          stroke: colour,
          "stroke-width": 1.6,
          "stroke-dasharray": kind === "forecast" ? "2 2" : "none",
        },
      }),
    );
  if (kind === "estimated") node.append(svg("path", { d: "M5 1.2a3.8 3.8 0 0 0 0 7.6Z", css: { fill: colour } }));
  return node;
}
const DASH = { never: "4 3", limit: "5 3", reference: "4 3", forecast: "5 4", event: "2 2" };
function swatch(item) {
  const node = svg("svg", { width: 18, height: 10, viewBox: "0 0 18 10", "aria-hidden": "true" }),
    colour = `var(--${item.role})`;
  if (item.kind === "line" || item.kind === "dash")
    node.append(
      svg("path", {
        d: "M0 5H18",
        css: { stroke: colour, "stroke-width": 1.8, "stroke-dasharray": item.kind === "dash" ? "4 3" : "none" },
      }),
    );
  else if (item.kind === "band")
    node.append(svg("rect", { width: 18, height: 10, rx: 2, css: { fill: colour, "fill-opacity": 0.22 } }));
  else if (item.kind === "bar") node.append(svg("rect", { y: 1, width: 18, height: 8, rx: 1, css: { fill: colour } }));
  else node.append(shape(item.kind, item.role, 9, 5, 4));
  return el("li", {}, node, item.text);
}

// ---- cards ----

// Title, provenance, unit, legend, and the same numbers as a table on request.
function card(options, body) {
  const id = `t${(card.count = (card.count || 0) + 1)}`;
  const holder = el("div", {}, body),
    end = el("div", { class: "end" });
  const section = el(
    "section",
    { class: `card ${options.span || ""}`, "aria-labelledby": id },
    el(
      "div",
      { class: "head" },
      el("h2", { id }, options.title),
      options.mark && mark(options.mark),
      options.unit && el("span", { class: "unit" }, options.unit),
      end,
    ),
    holder,
  );
  if (options.now)
    end.append(
      el("span", { class: "now" }, el("b", {}, options.now[0]), options.now[1] && el("span", {}, options.now[1])),
    );
  if (options.legend) end.append(el("ul", { class: "legend" }, options.legend.map(swatch)));
  if (options.controls) end.append(...options.controls);
  if (options.table) {
    const button = el(
      "button",
      {
        class: "small",
        type: "button",
        "aria-pressed": "false",
        "aria-label": `Table: ${options.title}`,
        onclick: () => {
          const open = button.getAttribute("aria-pressed") !== "true";
          button.setAttribute("aria-pressed", open);
          holder.replaceChildren(...(open ? [numbers(options.title, options.table())] : [body].flat().filter(Boolean)));
        },
      },
      "Table",
    );
    end.append(button);
  }
  return section;
}
const alignment = (rows, column) => (rows.some((row) => typeof row[column] === "string") ? "" : "r");
function numbers(title, { head, rows, decimals = [] }) {
  const side = head.map((_, i) => alignment(rows, i));
  const text = (v, i) => (typeof v === "string" ? v : known(v) ? num(v, decimals[i] || 0) : "");
  const table = el(
    "table",
    {},
    el("caption", { class: "quiet" }, title),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        head.map((h, i) => el("th", { scope: "col", class: side[i] }, h)),
      ),
    ),
    el(
      "tbody",
      {},
      rows.map((row) =>
        el(
          "tr",
          {},
          row.map((v, i) =>
            i ? el("td", { class: side[i] }, text(v, i)) : el("th", { scope: "row", class: side[i] }, text(v, i)),
          ),
        ),
      ),
    ),
  );
  return el(
    "div",
    {},
    el("div", { class: "tall", tabindex: 0, role: "region", "aria-label": `${title}, table` }, table),
    el(
      "p",
      {},
      el("button", { class: "small", type: "button", onclick: () => download(title, head, rows) }, "Save as CSV"),
    ),
  );
}
function download(title, head, rows) {
  const cell = (v) => {
    const s = v === null || v === undefined ? "" : String(v);
    return /[",\n]/.test(s) ? `"${s.replace(/"/g, '""')}"` : s;
  };
  const url = URL.createObjectURL(
    new Blob([[head, ...rows].map((r) => r.map(cell).join(",")).join("\r\n")], { type: "text/csv" }),
  );
  el("a", { href: url, download: `${title.replace(/\W+/g, "-").toLowerCase()}.csv` }).click();
  URL.revokeObjectURL(url);
}
