// Which theme is drawn: the system's until one is chosen. `public/theme.js` sets it before the first paint.
import { useSyncExternalStore } from "react";
import type { Theme } from "@/styles/tokens";

export type Choice = Theme | "system";

const KEPT_AS = "twinpack.theme";
const dark = globalThis.matchMedia?.("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function drawn(): Theme {
  const chosen = document.documentElement.dataset["theme"];
  if (chosen === "light" || chosen === "dark") return chosen;
  return dark?.matches ? "dark" : "light";
}

function tell(): void {
  for (const listener of listeners) listener();
}
dark?.addEventListener("change", tell);

export function chooseTheme(choice: Choice): void {
  if (choice === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = choice;
  try {
    if (choice === "system") localStorage.removeItem(KEPT_AS);
    else localStorage.setItem(KEPT_AS, choice);
  } catch {
    // Without storage the choice holds until the page is loaded again.
  }
  tell();
}

/** The theme as drawn now; charts are drawn again when it changes. */
export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, drawn);
}
