// Single keys: `useKeys({ j: next, k: previous })` while a page is there. They can be turned off; `?` lists them.
import { useEffect, useRef, useSyncExternalStore } from "react";
import { usePreferences } from "./session";

/** What a key does, and the words for the list. */
export interface Key {
  readonly does: string;
  readonly run: (event: KeyboardEvent) => void;
}
/** By key: "j", "Escape", or two in a row: "g f". */
export type Keys = Readonly<Record<string, Key>>;

const CHORD_MS = 1_500;
const layers: { current: Keys }[] = [];
const watchers = new Set<() => void>();
let listed: readonly (readonly [string, string])[] = [];
let first = "";
let firstAt = 0;

function relist(): void {
  const all = new Map(
    layers.flatMap((layer) => Object.entries(layer.current).map(([key, { does }]) => [key, does])),
  );
  listed = [...all];
  for (const watcher of watchers) watcher();
}

function writing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      /^(TEXTAREA|SELECT)$/.test(target.tagName) ||
      (target instanceof HTMLInputElement && !["checkbox", "radio", "button"].includes(target.type)))
  );
}

function find(key: string): Key | undefined {
  return layers.toReversed().find((layer) => layer.current[key])?.current[key];
}

/** What to run for a key that was pressed; the first of two keys is remembered for a while. */
export function keyFor(event: Pick<KeyboardEvent, "key" | "timeStamp">): Key | undefined {
  const pair = event.timeStamp - firstAt < CHORD_MS ? find(`${first} ${event.key}`) : undefined;
  const starts = layers.some((layer) =>
    Object.keys(layer.current).some((key) => key.startsWith(`${event.key} `)),
  );
  first = pair === undefined && starts ? event.key : "";
  firstAt = event.timeStamp;
  return pair ?? (starts ? undefined : find(event.key));
}

function press(event: KeyboardEvent): void {
  const held = event.ctrlKey || event.metaKey || event.altKey;
  if (held || event.defaultPrevented || writing(event.target) || document.querySelector("dialog[open]"))
    return;
  const key = keyFor(event);
  if (key === undefined) return;
  event.preventDefault();
  key.run(event);
}

/** Listen to keys while this is on the page; later ones win over earlier ones. */
export function useKeys(keys: Keys): void {
  const on = usePreferences().keys;
  const layer = useRef(keys);
  useEffect(() => {
    layer.current = keys;
  });
  const names = Object.keys(keys).join();
  useEffect(() => {
    if (!on) return;
    layers.push(layer);
    if (layers.length === 1) document.addEventListener("keydown", press);
    relist();
    return () => {
      layers.splice(layers.indexOf(layer), 1);
      if (layers.length === 0) document.removeEventListener("keydown", press);
      relist();
    };
  }, [on, names]);
}

/** All keys that do something now, with their words. */
export function useKeyList(): readonly (readonly [string, string])[] {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => listed,
  );
}
