"use strict";
// The chart: panels on one x axis, layers on a panel, a cross-hair with a read-out.

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
  const read = el("p", { class: "read" }),
    host = el("div", {
      class: `plot${spec.pick ? " pick" : ""}`,
      tabindex: 0,
      role: "group",
      "aria-roledescription": "chart",
      "aria-label": `${spec.title}. ${spec.summary} Arrow keys step through the values${spec.pick ? ", Enter chooses" : ""}.`,
    });
  const state = { at: null, hairs: [], scale: null };
  const stops = spec.stops || [];
  const hint = () => read.replaceChildren(spec.hint || "");
  const show = (i) => {
    state.at = i;
    if (!state.scale) return;
    state.hairs.forEach((hair) => hair.style.setProperty("display", i === null ? "none" : "inline"));
    if (i === null) return hint();
    const x = state.scale(stops[i]);
    state.hairs.forEach((hair) => {
      hair.setAttribute("x1", x);
      hair.setAttribute("x2", x);
    });
    const parts = spec.read(i);
    read.replaceChildren(
      ...parts.map(([label, value]) =>
        el("span", {}, label, value !== undefined && " ", value !== undefined && el("b", {}, value)),
      ),
    );
  };
  const follow = (x) => show(x === null || !stops.length ? null : nearest(stops, x));
  const move = (i) => {
    show(i);
    if (spec.link) spec.link.tell(i === null ? null : stops[i], follow);
  };
  if (spec.link) spec.link.join(follow);
  host.addEventListener(
    "pointermove",
    (e) =>
      stops.length &&
      state.invert &&
      move(
        spec.near
          ? spec.near(state, e, host)
          : nearest(stops, state.invert(e.clientX - host.getBoundingClientRect().left)),
      ),
  );
  host.addEventListener("pointerleave", () => move(null));
  host.addEventListener("blur", () => move(null));
  if (spec.pick) host.addEventListener("click", () => state.at !== null && spec.pick(state.at));
  host.addEventListener("keydown", (e) => {
    const last = stops.length - 1,
      here = state.at === null ? -1 : state.at;
    const to = {
      ArrowRight: Math.min(last, here + 1),
      ArrowLeft: here < 0 ? last : Math.max(0, here - 1),
      Home: 0,
      End: last,
    }[e.key];
    if (to !== undefined && last >= 0) {
      move(to);
      announce([...read.children].map((part) => part.textContent.trim()).join(", "));
      e.preventDefault();
    }
    if (e.key === "Enter" && spec.pick && state.at !== null) spec.pick(state.at);
    if (e.key === "Escape") move(null);
  });
  let width = 0;
  const redraw = () => {
    const w = Math.floor(host.clientWidth);
    if (w && w !== width) {
      width = w;
      draw(spec, host, state, w);
      show(state.at);
    }
  };
  new ResizeObserver(() => requestAnimationFrame(redraw)).observe(host);
  host.redraw = () => {
    width = 0;
    redraw();
  };
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
function announce(text) {
  document.getElementById("announce").textContent = text;
}

function draw(spec, host, state, width) {
  const narrow = width < 420,
    panels = spec.panels.map((p) => ({ ...p, ticks: p.ticks || niceTicks(...p.domain, p.lines || 4) }));
  const tickText = (p, v) =>
    (p.format ? p.format(v) : num(v, p.ticks.decimals)) +
    (p.suffix && v === p.ticks.at[p.ticks.at.length - 1] ? p.suffix : "");
  const left = Math.ceil(Math.max(...panels.flatMap((p) => p.ticks.at.map((v) => textWidth(tickText(p, v)))))) + 10;
  const ends = panels.flatMap((p) => p.layers.filter((l) => l.end).map((l) => textWidth(l.end, true)));
  const right = ends.length && !narrow ? Math.ceil(Math.max(...ends)) + 15 : 12;
  const gap = 26,
    top = spec.panels.some((p) => p.layers.some((l) => l.t === "vrule" && l.text)) ? 20 : 8;
  const height = top + panels.reduce((sum, p) => sum + p.height, 0) + gap * (panels.length - 1) + 24;
  const [x0, x1] = spec.x.domain,
    sx = (v) => left + ((v - x0) / (x1 - x0 || 1)) * (width - left - right);
  state.scale = sx;
  state.invert = (px) => x0 + ((px - left) / (width - left - right)) * (x1 - x0);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, focusable: "false" });
  state.hairs = [];
  let y = top;
  for (const panel of panels) {
    const [lo, hi] = panel.domain,
      base = y + panel.height,
      sy = (v) => base - ((v - lo) / (hi - lo || 1)) * panel.height;
    state.sy = sy;
    for (const v of panel.ticks.at) {
      root.append(
        svg("path", {
          d: `M${left} ${sy(v)}H${width - right}`,
          css: { stroke: v === 0 && panel.zero ? "var(--ink-3)" : "var(--grid)" },
        }),
      );
      root.append(svg("text", { x: left - 8, y: sy(v) + 4, "text-anchor": "end" }, tickText(panel, v)));
    }
    if (panel.caption) root.append(svg("text", { x: left + 2, y: y - 8 }, panel.caption));
    const labels = [];
    for (const layer of panel.layers)
      LAYERS[layer.t](root, layer, { sx, sy, left, right: width - right, top: y, base, narrow, labels });
    if (!narrow) placeEnds(root, labels, width - right + 9, y, base);
    const hair = svg("line", { y1: y, y2: base, css: { stroke: "var(--ink-2)", "stroke-width": 1, display: "none" } });
    state.hairs.push(hair);
    root.append(hair);
    y = base + gap;
  }
  axis(
    root,
    spec.x.ticks(Math.max(2, Math.floor((width - left - right) / 56))),
    sx,
    left,
    width - right,
    y - gap,
    spec.x.first,
  );
  host.replaceChildren(root);
}
// Labels that would touch are left out; the last one stays, since it carries the unit.
function axis(root, ticks, sx, left, right, y, first) {
  root.append(svg("path", { d: `M${left} ${y}H${right}`, css: { stroke: "var(--line-strong)" } }));
  const shown = [],
    last = ticks.at.length - 1;
  ticks.at.forEach((v, i) => {
    const value = ticks.text ? ticks.text(v) : num(v, ticks.decimals),
      text = (i === 0 && first ? first : "") + value + (i === last && ticks.suffix ? ticks.suffix : ""),
      half = textWidth(text) / 2,
      x = Math.min(Math.max(sx(v), left - 8 + half), right + 10 - half);
    root.append(svg("path", { d: `M${sx(v)} ${y}v4`, css: { stroke: "var(--line-strong)" } }));
    const touches = () => shown.length && x - half < shown[shown.length - 1].end + 8;
    if (i === last && ticks.suffix) while (touches()) shown.pop();
    if (!touches()) shown.push({ x, text, end: x + half });
  });
  for (const { x, text } of shown) root.append(svg("text", { x, y: y + 17, "text-anchor": "middle" }, text));
}
// Labels at line ends, pushed apart so that none covers another.
function placeEnds(root, labels, x, top, base) {
  labels.sort((a, b) => a.y - b.y);
  labels.forEach((l, i) => {
    l.at = Math.max(l.y, i ? labels[i - 1].at + 14 : top);
  });
  for (let i = labels.length - 1, limit = base; i >= 0; i--, limit = labels[i + 1].at - 14)
    labels[i].at = Math.min(labels[i].at, limit);
  for (const l of labels)
    root.append(
      svg("text", { x, y: l.at + 4, class: l.strong ? "strong" : "", css: { fill: `var(--${l.role})` } }, l.text),
    );
}
