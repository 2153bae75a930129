/**
 * What is being sent. A message stays here, over reloads, until the server has it: the task's id makes it one message
 * however often it goes out, from however many tabs.
 */

import { Offline, Problem } from "../../ui/js/http.js";
import { ask, whenConnected } from "../../ui/js/live.js";
import { heard, isConnected } from "./answers.js";
import { begin, page, root } from "./page.js";
import { stream } from "./sse.js";
import { syncSoon } from "./thread.js";

/**
 * A message on its way: what is submitted, and what shows it.
 * @typedef {{task: string, payload: Record<string, any>, text: string, files: {name: string, size: number}[]}} Sent
 */

const TRY_AGAIN_MS = 3000;
const LATER = [429, 502, 503, 504];

/** Whether trying again will do: a budget that is used up stays so. @param {Problem} problem */
const isForLater = ({ status, code }) => LATER.includes(status) && code !== "budget_spent";

const key = () => `airuns:outbox:${page.user}:${page.scope}`;

/** @returns {Sent[]} */
export const waiting = () => JSON.parse(localStorage.getItem(key()) ?? "[]");

/** @param {Sent[]} all */
function keep(all) {
  if (all.length) localStorage.setItem(key(), JSON.stringify(all));
  else localStorage.removeItem(key());
}

/** @param {Sent} sent */
export const put = (sent) => keep([...waiting().filter((one) => one.task !== sent.task), sent]);

/** @param {string} task */
export const drop = (task) => keep(waiting().filter((one) => one.task !== task));

/** @param {string} name @param {object} detail */
const tell = (name, detail) => root.dispatchEvent(new CustomEvent(name, { detail }));

/** Try to send a message. What comes of it is told by events: sent-off, sent-refused, sent-waits. @param {Sent} sent */
export async function deliver(sent) {
  try {
    const run = isConnected() && navigator.onLine ? await bySocket(sent) : await byHttp(sent);
    drop(sent.task);
    await begin(run);
    tell("sent-off", sent);
    syncSoon();
  } catch (error) {
    if (error instanceof Problem && !isForLater(error)) {
      drop(sent.task);
      tell("sent-refused", { sent, error });
    } else {
      tell("sent-waits", { sent, because: error });
      if (error instanceof Problem || navigator.onLine) setTimeout(flush, TRY_AGAIN_MS);
    }
  }
}

/** @param {Sent} sent @returns {Promise<string>} the run's id */
async function bySocket(sent) {
  try {
    return (await ask("task:submit", sent.payload)).run_id;
  } catch (error) {
    if (error instanceof Problem) throw error;
    return byHttp(sent); // nobody acknowledged: the channel may be broken without knowing it
  }
}

/** Send by HTTP; the answer's events come on the same connection. @param {Sent} sent @returns {Promise<string>} */
function byHttp(sent) {
  return new Promise((resolve, reject) => {
    const hear = (/** @type {string} */ name, /** @type {any} */ data) => {
      if (data.run_id) resolve(data.run_id);
      heard(name, data);
    };
    stream("/api/prompt/run", { ...sent.payload, stream: true }, hear).then(() => reject(new Offline()), reject);
  });
}

let flushing = false;

/** Send what waits, in order. */
export async function flush() {
  if (flushing) return;
  flushing = true;
  for (const sent of waiting()) await deliver(sent);
  flushing = false;
}

whenConnected(flush);
addEventListener("online", flush);
addEventListener("storage", (event) => {
  if (event.key === key()) tell("outbox-changed", {});
});
