// A list that would change under the pointer waits: what is shown keeps its order until one asks for the new.

export interface Settled<T> {
  readonly shown: readonly T[];
  /** How many are there that are not shown yet. */
  readonly waiting: number;
}

/**
 * @param fresh what there is now, in its order
 * @param held names of what is shown, in the order shown; null when nothing holds it
 */
export function settle<T>(
  fresh: readonly T[],
  held: readonly string[] | null,
  name: (one: T) => string,
): Settled<T> {
  if (held === null || held.length === 0) return { shown: fresh, waiting: 0 };
  const byName = new Map(fresh.map((one) => [name(one), one]));
  const kept = held.flatMap((one) => byName.get(one) ?? []);
  const known = new Set(held);
  const last = fresh.findLastIndex((one) => known.has(name(one)));
  // What follows all that is shown was loaded by going on: it disturbs nothing.
  const following = fresh.slice(last + 1).filter((one) => !known.has(name(one)));
  return { shown: [...kept, ...following], waiting: fresh.length - kept.length - following.length };
}
