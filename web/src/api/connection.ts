// Whether the service can be reached: told by every request and by the stream of events, shown by the banner.
import { useSyncExternalStore } from "react";

export interface Connection {
  readonly up: boolean;
  /** When it was lost. */
  readonly since: number | null;
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;

const listeners = new Set<() => void>();
const backAgain = new Set<() => void>();
let now: Connection = { up: true, since: null };
let timer: ReturnType<typeof setTimeout> | undefined;

function change(next: Connection): void {
  now = next;
  for (const listener of listeners) listener();
}

export function reached(): void {
  if (now.up) return;
  clearTimeout(timer);
  change({ up: true, since: null });
  for (const listener of backAgain) listener();
}

export function lost(): void {
  if (!now.up) return;
  change({ up: false, since: Date.now() });
  tryLater(FIRST_RETRY_MS);
}

/** A stream broke off, which alone says little: ask whether the service is there. */
export async function doubt(): Promise<void> {
  if (now.up && !(await isThere())) lost();
}

async function isThere(): Promise<boolean> {
  try {
    return (await fetch("/livez", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

function tryLater(wait: number): void {
  timer = setTimeout(() => void tryNow(Math.min(wait * 2, LONGEST_RETRY_MS)), wait);
}

async function tryNow(nextWait: number): Promise<void> {
  if (await isThere()) reached();
  else tryLater(nextWait);
}

/** Be told when the service is there again after it was away. */
export function onBackAgain(listener: () => void): () => void {
  backAgain.add(listener);
  return () => backAgain.delete(listener);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, () => now);
}
