"use strict";
// Before the first paint, so that the other theme never flashes.
try {
  const chosen = localStorage.getItem("twinpack-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  /* storage may be closed to a local file: the system's choice stands */
}
