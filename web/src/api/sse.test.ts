import { expect, it } from "vitest";
import { SseParser } from "./sse";

it("puts a message together from pieces", () => {
  const parser = new SseParser();
  expect(parser.push("id: 7\nevent: al")).toEqual([]);
  expect(parser.push('arm\ndata: {"a":1}\n\nid: 8\n')).toEqual([
    { id: "7", event: "alarm", data: '{"a":1}' },
  ]);
  expect(parser.push("data: x\ndata: y\n\n")).toEqual([{ id: "8", event: "message", data: "x\ny" }]);
});

it("takes no message from a heartbeat", () => {
  expect(new SseParser().push(": still here\n\n")).toEqual([]);
});

it("reads lines that end as on Windows, cut anywhere", () => {
  const parser = new SseParser();
  const found = [...'id: 1\r\ndata: "é"\r\n\r\n'].flatMap((piece) => parser.push(piece));
  expect(found).toEqual([{ id: "1", event: "message", data: '"é"' }]);
});

it("keeps the last id for messages without one", () => {
  const parser = new SseParser();
  parser.push("id: 3\ndata: 1\n\n");
  expect(parser.push("data: 2\n\n")[0]?.id).toBe("3");
});
