/** One clock for all that shows an age, so that a table of them costs one timer. */

import { useSyncExternalStore } from "react";

const TICK_MS = 1000;
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  now = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    now = Date.now();
    timer = setInterval(tick, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== undefined) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/**
 * A text made of the present moment; drawn again only when the text changes.
 *
 * @param make what is told; it is called every second
 */
export function useNow<T extends string | number | boolean>(make: (now: number) => T): T {
  return useSyncExternalStore(subscribe, () => make(now));
}
