/** The newest values of a vehicle as they come, kept as long as a page is open; drawn at most once a second. */

import { useRef, useState } from "react";

import { useEvents } from "@/api/events";
import type { Tail } from "./live";

const MOST = 900;

interface Told {
  name: string;
  value: number | boolean | null;
  at: string;
}

function told(data: Readonly<Record<string, unknown>>): Told[] {
  return Array.isArray(data["signals"]) ? (data["signals"] as Told[]) : [];
}

/** Adds what an event told; a value already known is not added twice. */
export function added(tail: Tail, signals: readonly Told[]): Tail {
  const next = new Map(tail);
  for (const { name, value, at } of signals) {
    if (typeof value !== "number") continue;
    const kept = next.get(name) ?? [];
    const when = Date.parse(at);
    if (when > (kept.at(-1)?.[0] ?? -Infinity)) next.set(name, [...kept.slice(1 - MOST), [when, value]]);
  }
  return next;
}

export function useTail(id: string): Tail {
  const [tail, setTail] = useState<Tail>(new Map());
  const newest = useRef(tail);
  useEvents(
    ["latest"],
    ({ data }) => {
      newest.current = added(newest.current, told(data));
      setTail(newest.current);
    },
    id,
  );
  return tail;
}
