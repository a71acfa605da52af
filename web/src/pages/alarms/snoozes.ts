// Until when an alarm can be put off with one click.
export interface Snooze {
  readonly label: string;
  readonly until: Date;
}

const HOUR_MS = 3_600_000;
const MORNING_H = 8;

function morning(now: Date, days: number): Date {
  const then = new Date(now);
  then.setDate(then.getDate() + days);
  then.setHours(MORNING_H, 0, 0, 0);
  return then;
}

export function snoozes(now: Date = new Date()): readonly Snooze[] {
  const monday = (8 - now.getDay()) % 7 || 7;
  return [
    { label: "For an hour", until: new Date(now.getTime() + HOUR_MS) },
    { label: "For 8 hours", until: new Date(now.getTime() + 8 * HOUR_MS) },
    { label: "Until tomorrow, 8:00", until: morning(now, 1) },
    ...(monday > 1 ? [{ label: "Until Monday, 8:00", until: morning(now, monday) }] : []),
    { label: "For 30 days", until: morning(now, 30) },
  ];
}

/** What the key does. */
export function tomorrow(now: Date = new Date()): Date {
  return morning(now, 1);
}
