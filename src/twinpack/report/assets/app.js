"use strict";
// Theme, keys and routing.

function themeButton() {
  const dark = () =>
    (document.documentElement.dataset.theme ||
      (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const text = () => `${dark() ? "Light" : "Dark"} theme`;
  const button = el(
    "button",
    {
      type: "button",
      class: "small",
      onclick: () => {
        const next = dark() ? "light" : "dark";
        document.documentElement.dataset.theme = next;
        try {
          localStorage.setItem("twinpack-theme", next);
        } catch {
          /* the choice then lasts as long as the page */
        }
        button.textContent = text();
      },
    },
    text(),
  );
  return button;
}
let first = true;
function route() {
  const { vehicle, query } = address(),
    same = open && open.id === vehicle;
  if (!vehicle) {
    open = null;
    fleetPage(query);
  } else vehiclePage(vehicle, query);
  if (!same && !first) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
  first = false;
}
document.getElementById("tools").append(themeButton());
document.addEventListener("keydown", (e) => {
  const box = document.getElementById("filter");
  if (e.key === "/" && box && !e.target.closest("input")) {
    box.focus();
    e.preventDefault();
  }
});
document.querySelector(".skip").addEventListener("click", (e) => {
  e.preventDefault();
  main.focus();
});
addEventListener("hashchange", route);
route();
