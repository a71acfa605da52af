"use strict";
// What the page holds, and what its address asks for.

const embedded = (id) => JSON.parse(document.getElementById(id).textContent);
const fleet = embedded("fleet-data");
const main = document.getElementById("main"),
  crumbs = document.getElementById("crumbs");
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
  try {
    vehicle = parts[0] === "v" && parts[1] ? decodeURIComponent(parts[1]) : null;
  } catch {
    vehicle = parts[1];
  }
  return { vehicle, query: new URLSearchParams(query) };
}
function where(items) {
  crumbs.replaceChildren(
    ...items.map(([text, href], i) =>
      el("li", {}, i === items.length - 1 ? el("span", { "aria-current": "page" }, text) : el("a", { href }, text)),
    ),
  );
}
const tripTicks = (lo, hi) => (count) => {
  const t = niceTicks(lo, hi, Math.min(count, 7));
  return { at: t.at.filter((v) => Number.isInteger(v)), decimals: 0 };
};
const range95 = (mean, sd) => `${num(mean - 1.96 * sd, 1)} to ${num(mean + 1.96 * sd, 1)}`;
