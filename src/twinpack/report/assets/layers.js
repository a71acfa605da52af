"use strict";
// What a panel is made of: lines, bands, bars, points, marks, rules; and the one chart that has no cross-hair.

function runs(xs, ...columns) {
  const out = [];
  let run = [];
  xs.forEach((x, i) => {
    if (columns.every((c) => known(c[i]))) run.push(i);
    else if (run.length) {
      out.push(run);
      run = [];
    }
  });
  if (run.length) out.push(run);
  return out;
}
const f1 = (v) => Math.round(v * 10) / 10;
const TEXT_ROLE = {
  never: "never-strong",
  estimated: "accent-strong",
  measured: "ink",
  cohort: "ink-3",
  "ink-3": "ink-3",
};
const LAYERS = {
  line(root, l, c) {
    for (const run of runs(l.x, l.y)) {
      if (run.length === 1)
        root.append(
          svg("circle", { cx: c.sx(l.x[run[0]]), cy: c.sy(l.y[run[0]]), r: 1.8, css: { fill: `var(--${l.role})` } }),
        );
      else
        root.append(
          svg("path", {
            d: run.map((i, k) => `${k ? "L" : "M"}${f1(c.sx(l.x[i]))} ${f1(c.sy(l.y[i]))}`).join(""),
            css: {
              fill: "none",
              stroke: `var(--${l.role})`,
              "stroke-width": l.width || 1.6,
              "stroke-linejoin": "round",
              "stroke-dasharray": DASH[l.dash] || "none",
            },
          }),
        );
    }
    const last = l.y.findLastIndex(known);
    if (l.end && last >= 0) c.labels.push({ y: c.sy(l.y[last]), text: l.end, role: TEXT_ROLE[l.role], strong: true });
  },
  band(root, l, c) {
    for (const run of runs(l.x, l.lo, l.hi)) {
      const there = run.map((i) => `${f1(c.sx(l.x[i]))} ${f1(c.sy(l.hi[i]))}`),
        back = run.map((i) => `${f1(c.sx(l.x[i]))} ${f1(c.sy(l.lo[i]))}`).reverse();
      root.append(
        svg("path", {
          d: `M${[...there, ...back].join("L")}Z`,
          css: { fill: `var(--${l.role})`, "fill-opacity": l.role === "never" ? 0.15 : 0.2 },
        }),
      );
    }
  },
  bars(root, l, c) {
    l.x0.forEach((a, i) => {
      const x = c.sx(a) + 0.75,
        w = Math.max(1, c.sx(l.x1[i]) - c.sx(a) - 1.5);
      if (l.y[i] > 0)
        root.append(
          svg("rect", {
            x,
            width: w,
            y: c.sy(l.y[i]),
            height: c.base - c.sy(l.y[i]),
            css: { fill: `var(--${l.role})` },
          }),
        );
    });
  },
  // Minimum to maximum of each bucket; buckets narrower than a pixel are joined.
  ranges(root, l, c) {
    let d = "",
      pixel = null,
      end = 0,
      lo = 0,
      hi = 0;
    const flush = () => {
      if (pixel !== null)
        d += `M${pixel} ${f1(c.sy(lo) + 0.6)}V${f1(c.sy(hi) - 0.6)}H${f1(Math.max(end, pixel + 1))}V${f1(c.sy(lo) + 0.6)}Z`;
    };
    l.lo.forEach((bottom, i) => {
      if (!known(bottom)) return;
      const a = f1(c.sx(l.x0[i])),
        b = f1(c.sx(l.x1[i])),
        joins = i > 0 && l.x0[i] === l.x1[i - 1] && known(l.lo[i - 1]);
      // The line went on between two buckets of one session.
      const low = joins ? Math.min(bottom, l.hi[i - 1]) : bottom,
        high = joins ? Math.max(l.hi[i], l.lo[i - 1]) : l.hi[i];
      if (pixel !== null && b <= pixel + 1) {
        lo = Math.min(lo, low);
        hi = Math.max(hi, high);
        end = Math.max(end, b);
        return;
      }
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
      const px = c.sx(x),
        py = c.sy(l.y[i]);
      if (l.lo)
        root.append(
          svg("path", {
            d: `M${px} ${c.sy(l.lo[i])}V${c.sy(l.hi[i])}`,
            css: { stroke: `var(--${l.role})`, "stroke-opacity": 0.35, "stroke-width": 3 },
          }),
        );
      root.append(
        svg("circle", { cx: px, cy: py, r: 3.2, css: { fill: `var(--${l.role})`, stroke: "var(--surface)" } }),
      );
      taken.push([px - 5, py - 6, px + 5, py + 6]);
    });
    for (const i of l.named || []) label(root, l.text[i], c.sx(l.x[i]), c.sy(l.y[i]), c, taken);
  },
  marks(root, l, c) {
    l.x.forEach(
      (x, i) =>
        known(l.y[i]) &&
        root.append(shape(l.shape, l.role, c.sx(x), c.sy(l.y[i]), l.size || 4.5, l.names && l.names[i])),
    );
  },
  rule(root, l, c) {
    root.append(
      svg("path", {
        d: `M${c.left} ${c.sy(l.y)}H${c.right}`,
        css: { stroke: `var(--${l.role})`, "stroke-width": 1.3, "stroke-dasharray": DASH[l.dash] || "none" },
      }),
    );
    if (l.end) c.labels.push({ y: c.sy(l.y), text: l.end, role: TEXT_ROLE[l.role] || "ink-2" });
  },
  vrule(root, l, c) {
    const x = c.sx(l.x),
      half = textWidth(l.text || "") / 2;
    root.append(
      svg("path", {
        d: `M${x} ${c.top - 2}V${c.base}`,
        css: { stroke: `var(--${l.role})`, "stroke-width": 1.3, "stroke-dasharray": DASH[l.dash] || "none" },
      }),
    );
    if (l.text)
      root.append(
        svg(
          "text",
          {
            x: Math.min(Math.max(x, c.left + half), c.right - half),
            y: c.top - 7,
            "text-anchor": "middle",
            css: { fill: "var(--ink)" },
          },
          l.text,
        ),
      );
  },
  region(root, l, c) {
    root.append(
      svg("rect", {
        x: c.sx(l.x0),
        width: Math.max(1, c.sx(l.x1) - c.sx(l.x0)),
        y: c.top,
        height: c.base - c.top,
        css: { fill: `var(--${l.role})` },
      }),
    );
    if (l.text && c.sx(l.x1) - c.sx(l.x0) > textWidth(l.text) + 4)
      root.append(svg("text", { x: c.sx(l.x0) + 3, y: c.top + 12 }, l.text));
  },
};
// A name beside its dot, on the first free side; none when all are taken.
function label(root, text, x, y, c, taken) {
  const w = textWidth(text, true) + 2;
  for (const [ax, ay] of [
    [7, 4],
    [-7 - w, 4],
    [-w / 2, -9],
    [-w / 2, 17],
  ]) {
    const box = [x + ax, y + ay - 10, x + ax + w, y + ay + 3];
    const clear =
      box[0] >= c.left &&
      box[2] <= c.right &&
      box[1] >= c.top &&
      box[3] <= c.base &&
      taken.every((t) => box[2] < t[0] || box[0] > t[2] || box[3] < t[1] || box[1] > t[3]);
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
  const left = Math.max(...rows.map((r) => textWidth(r.group, true))) + 14,
    right = 14,
    step = 30,
    top = 6,
    base = top + rows.length * step;
  const sx = (v) => left + ((v - domain[0]) / (domain[1] - domain[0])) * (width - left - right);
  const root = svg("svg", {
    viewBox: `0 0 ${width} ${base + 22}`,
    height: base + 22,
    "aria-hidden": "true",
    focusable: "false",
  });
  root.append(
    svg("rect", {
      x: sx(goal[0]),
      width: sx(goal[1]) - sx(goal[0]),
      y: top,
      height: base - top,
      css: { fill: "var(--accent-soft)" },
    }),
  );
  const ticks = niceTicks(...domain, 4);
  ticks.at.forEach((v, i) =>
    root.append(
      svg("path", { d: `M${sx(v)} ${top}V${base}`, css: { stroke: "var(--grid)" } }),
      svg(
        "text",
        {
          x: sx(v),
          y: base + 16,
          "text-anchor": i === ticks.at.length - 1 ? "end" : "middle",
          dx: i === ticks.at.length - 1 ? 12 : 0,
        },
        num(v) + (i === ticks.at.length - 1 ? " %" : ""),
      ),
    ),
  );
  rows.forEach((row, i) => {
    const y = top + step * i + 19;
    root.append(svg("text", { x: 0, y: y + 4, class: i ? "" : "strong", css: { fill: "var(--ink)" } }, row.group));
    if (known(row.living_pct) && known(row.never_pct))
      root.append(
        svg("path", { d: `M${sx(row.never_pct)} ${y}H${sx(row.living_pct)}`, css: { stroke: "var(--line-strong)" } }),
      );
    const ends = [
      ["diamond", "never", row.never_pct, 0],
      ["disc", "estimated", row.living_pct, 1],
    ].filter((e) => known(e[2]));
    const near = ends.length === 2 && Math.abs(sx(ends[0][2]) - sx(ends[1][2])) < 46;
    for (const [kind, role, value, living] of ends) {
      const outward = near ? (value < ends[1 - ends.findIndex((e) => e[0] === kind)][2] ? "end" : "start") : "middle";
      const x = sx(value),
        shown = num(value, value >= 99.95 ? 0 : 1),
        half = textWidth(shown, true) / 2;
      root.append(shape(kind, role, x, y, living ? 4.5 : 5));
      const tx =
        outward === "middle"
          ? Math.min(x, width - half)
          : outward === "end"
            ? x - 2
            : Math.min(x + 2, width - 2 * half);
      root.append(
        svg(
          "text",
          {
            x: tx,
            y: y - 8,
            "text-anchor": outward,
            class: living ? "strong" : "",
            css: { fill: `var(--${TEXT_ROLE[role]})` },
          },
          shown,
        ),
      );
    }
  });
  host.replaceChildren(root);
}
