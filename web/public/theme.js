// Before the first paint: the theme chosen last, so that the other one does not flash. Without a choice, the system's.
try {
  const theme = localStorage.getItem("twinpack.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be closed to us; then the system's theme holds.
}
