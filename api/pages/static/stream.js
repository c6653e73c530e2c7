// Server-sent events read with fetch, so that the key travels in a header; resumed where they broke.

import { askResponse } from "./client.js";

const PAUSES = [1000, 2000, 5000, 10_000, 30_000];
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Give the events of a text that comes in pieces: {id, event, data}; a comment is a sign of life. */
export class EventReader {
  constructor(tell) {
    Object.assign(this, { tell, rest: "" });
  }

  take(piece) {
    const blocks = (this.rest + piece).replaceAll("\r\n", "\n").split("\n\n");
    this.rest = blocks.pop();
    for (const block of blocks) this.tell(readEvent(block));
  }
}

function readEvent(block) {
  const told = { id: "", event: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, name, value] = /^(\w*):? ?(.*)$/.exec(line) ?? [];
    if (name === "data") told.data += (told.data && "\n") + value;
    else if (name) told[name] = value;
  }
  return told;
}

/**
 * Follow a stream until `signal` ends it. `tell({id, event, data})` is told of every event, and of
 * every sign of life with empty data; `broken()` whenever the line is lost.
 */
export async function follow(path, { tell, broken, signal, from = "" }) {
  let [last, failures] = [from, 0];
  while (!signal.aborted) {
    try {
      const headers = { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) };
      const response = await askResponse(path, { headers, signal });
      const reader = new EventReader((event) => {
        [last, failures] = [event.id || last, 0];
        tell(event);
      });
      const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let piece = await text.read(); !piece.done; piece = await text.read()) reader.take(piece.value);
    } catch (error) {
      if (!signal.aborted) broken(error);
    }
    if (!signal.aborted) await pause(PAUSES[Math.min(failures++, PAUSES.length - 1)]);
  }
}
