// The text of a stream of server-sent events, taken apart as it comes.

export interface SseMessage {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Takes pieces of the stream, gives the messages that are complete. */
export class SseParser {
  /** Where to go on after a break; a sign of life may move it, too. */
  id = "";
  private rest = "";

  push(piece: string): SseMessage[] {
    const text = (this.rest + piece).replaceAll("\r\n", "\n");
    const blocks = text.split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.map((block) => this.message(block)).filter((message) => message !== null);
  }

  private message(block: string): SseMessage | null {
    let event = "message";
    const data: string[] = [];
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "data") data.push(value);
      else if (field === "event") event = value;
      else if (field === "id") this.id = value;
    }
    return data.length === 0 ? null : { id: this.id, event, data: data.join("\n") };
  }
}
