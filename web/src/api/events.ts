// Live events. One stream serves all parts of a page that ask for the same; it goes on where it was cut, and is closed
// while the page is hidden, since a browser holds six connections to a server over all its tabs.
import { useEffect, useRef, useSyncExternalStore } from "react";
import { doubt, onBackAgain, reached } from "./connection";
import { queries } from "./query";
import { SseParser, type SseMessage } from "./sse";

export type EventKind = "alarm" | "latest" | "trip" | "version" | "ingest";

export interface LiveEvent {
  readonly kind: EventKind;
  readonly id: string;
  /** What the kind of event says; see the guide to the API. */
  readonly data: Readonly<Record<string, unknown>>;
}

type Handler = (event: LiveEvent) => void;
type StreamState = "live" | "connecting";

const OF_FLEET = "alarm,trip,version,ingest";
const HIDDEN_MS = 30_000;
const SILENCE_MS = 40_000;
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;

class Stream {
  readonly handlers = new Set<{ kinds: ReadonlySet<EventKind>; run: Handler }>();
  state: StreamState = "connecting";
  private lastId = "";
  private open: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = RETRY_MS;

  constructor(
    private readonly query: string,
    private readonly changed: () => void,
  ) {}

  start(): void {
    clearTimeout(this.timer);
    if (this.open === null) void this.read();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.open?.abort();
    this.open = null;
    this.become("connecting");
  }

  private async read(): Promise<void> {
    const open = new AbortController();
    this.open = open;
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (this.lastId) headers["Last-Event-ID"] = this.lastId;
      const answer = await fetch(`/v1/events?${this.query}`, {
        headers,
        signal: open.signal,
        cache: "no-store",
      });
      if (!answer.ok || answer.body === null) return this.later(open, answer.status);
      reached();
      this.wait = RETRY_MS;
      this.become("live");
      await this.follow(answer.body, open);
    } catch {
      if (!open.signal.aborted) void doubt();
    }
    this.later(open, 0);
  }

  private async follow(body: ReadableStream<Uint8Array>, open: AbortController): Promise<void> {
    const parser = new SseParser();
    const reader = body
      .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
      .getReader();
    for (;;) {
      // The service says something every 15 s: silence means that the line is dead, though nobody has told us.
      const silence = setTimeout(() => open.abort(), SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      for (const message of parser.push(value)) this.take(message);
      if (parser.id) this.lastId = parser.id;
    }
  }

  private take(message: SseMessage): void {
    // What was missed is too old to be told again: everything shown is read again instead.
    if (message.event === "reset") return void queries.invalidateQueries();
    const kind = message.event as EventKind;
    const data = JSON.parse(message.data) as LiveEvent["data"];
    for (const handler of this.handlers)
      if (handler.kinds.has(kind)) handler.run({ kind, id: message.id, data });
  }

  private later(open: AbortController, status: number): void {
    if (this.open !== open) return;
    this.open = null;
    this.become("connecting");
    if (status === 401) void queries.invalidateQueries({ queryKey: ["me"] });
    // Not signed in, or not for this role: asking again changes nothing.
    if (status === 401 || status === 403 || status === 404 || status === 422) return;
    this.timer = setTimeout(() => void this.read(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_RETRY_MS);
  }

  private become(state: StreamState): void {
    if (this.state === state) return;
    this.state = state;
    this.changed();
  }
}

const streams = new Map<string, Stream>();
const watchers = new Set<() => void>();
let hiddenTimer: ReturnType<typeof setTimeout> | undefined;

function tell(): void {
  for (const watcher of watchers) watcher();
}

function streamOf(query: string): Stream {
  const found = streams.get(query) ?? new Stream(query, tell);
  streams.set(query, found);
  return found;
}

globalThis.document?.addEventListener("visibilitychange", () => {
  clearTimeout(hiddenTimer);
  if (document.hidden) hiddenTimer = setTimeout(() => streams.forEach((stream) => stream.stop()), HIDDEN_MS);
  else streams.forEach((stream) => stream.start());
});
onBackAgain(() => streams.forEach((stream) => stream.start()));

/** The stream that a page asks for: all of the fleet, or one vehicle's with its newest values. */
function queryOf(vehicleId: string | undefined): string {
  const query = new URLSearchParams({ kinds: vehicleId === undefined ? OF_FLEET : `latest,${OF_FLEET}` });
  if (vehicleId !== undefined) query.set("vehicle_id", vehicleId);
  return query.toString();
}

/** Run `handler` on each event of these kinds; `latest` needs the vehicle. Handlers may change between renderings. */
export function useEvents(kinds: readonly EventKind[], handler: Handler, vehicleId?: string): void {
  const newest = useRef(handler);
  useEffect(() => {
    newest.current = handler;
  });
  const named = kinds.join();
  useEffect(() => {
    const stream = streamOf(queryOf(vehicleId));
    const entry = {
      kinds: new Set(named.split(",") as EventKind[]),
      run: (event: LiveEvent) => newest.current(event),
    };
    stream.handlers.add(entry);
    if (!document.hidden) stream.start();
    return () => {
      stream.handlers.delete(entry);
      if (stream.handlers.size > 0) return;
      stream.stop();
      streams.delete(queryOf(vehicleId));
    };
  }, [named, vehicleId]);
}

/** Whether events of the fleet come in now. */
export function useLive(): boolean {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => streams.get(queryOf(undefined))?.state === "live",
  );
}
