/** Charts that share a cross-hair: each name is one place that they all look at. */

import { useSyncExternalStore } from "react";

class Cursor {
  at: number | null = null;
  readonly #listeners = new Set<() => void>();

  readonly listen = (tell: () => void): (() => void) => {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  };

  readonly read = (): number | null => this.at;

  readonly move = (at: number | null): void => {
    if (at === this.at) return;
    this.at = at;
    this.#listeners.forEach((tell) => tell());
  };
}

const cursors = new Map<string, Cursor>();

/** The cross-hair of all charts of this name. */
export function cursorOf(link: string): Cursor {
  const known = cursors.get(link);
  if (known) return known;
  const made = new Cursor();
  cursors.set(link, made);
  return made;
}

/** Where the cross-hair of linked charts stands, and how to move it. */
export function useCursor(link: string): [number | null, (at: number | null) => void] {
  const cursor = cursorOf(link);
  return [useSyncExternalStore(cursor.listen, cursor.read), cursor.move];
}
