/** Reads server-sent events that answer a POST, which EventSource cannot. */

import { Offline, Problem, formToken } from "../../ui/js/http.js";

/**
 * Send a request and hear the events of its answer, until they end or `hear` returns false.
 * Throws Problem when it is refused, Offline when nobody answers or the connection breaks.
 * @param {string} path
 * @param {object} body
 * @param {(name: string, data: any) => boolean | void} hear
 */
export async function stream(path, body, hear) {
  const reader = (await post(path, body)).pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read().catch(() => {
      throw new Offline();
    });
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = read(block);
      if (event && hear(event.name, event.data) === false) return void reader.cancel();
    }
  }
}

/** @param {string} path @param {object} body @returns {Promise<ReadableStream>} */
async function post(path, body) {
  let answer;
  try {
    const headers = { Accept: "text/event-stream", "Content-Type": "application/json", "X-CSRF-Token": formToken() };
    answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  } catch {
    throw new Offline();
  }
  if (answer.ok && answer.body) return answer.body;
  const { status } = answer;
  const unknown = { detail: `The server answered ${status}.`, status, code: "unknown" };
  throw new Problem(await answer.json().catch(() => unknown));
}

/** @param {string} block */
function read(block) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
  }
  return fields.data === undefined ? null : { name: fields.event, data: JSON.parse(fields.data) };
}
