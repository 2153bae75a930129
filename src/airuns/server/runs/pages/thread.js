/** The thread: made the same as the server's, a part at a time, without moving what one reads. */

import { fragment, Offline, showError } from "../../ui/js/http.js";
import { page, root } from "./page.js";
import { atPlace, isAtEnd, scrollToEnd } from "./place.js";
import { forgetBelow, isWhole, trimTop, watchEnds } from "./window.js";

export { atPlace };

/** @type {any} */
const { Idiomorph } = globalThis;
const TAIL = 4;
/** What the reader or our scripts have done to a message stays: buttons of code, wrapped lines, what is unfolded. */
const KEPT = {
  beforeNodeRemoved: (/** @type {Node} */ node) => !(node instanceof Element && node.matches("[data-code-copy], [data-code-wrap]")),
  beforeAttributeUpdated: (/** @type {string} */ _, /** @type {Element} */ node) => !node.matches("pre, details"),
};
let busy = false;
let again = false;

export const thread = () => /** @type {HTMLElement} */ (root.querySelector("[data-thread]"));

/** @returns {HTMLElement[]} what stands in the thread */
export const items = () => /** @type {HTMLElement[]} */ ([...(thread()?.children ?? [])]);

/** @returns {string | undefined} the last message of the line, if its end is shown */
export function lastMessage() {
  return isWhole() ? items().findLast((li) => li.dataset.message)?.dataset.message : undefined;
}

/** Bring the end of the thread up to date; several wishes at once are one. */
export async function syncSoon() {
  if (!page.run) return;
  again = true;
  if (busy) return;
  busy = true;
  try {
    while (again) {
      again = false;
      await sync();
    }
  } catch (error) {
    if (!(error instanceof Offline)) showError(error); // offline: whenConnected comes back to it
  } finally {
    busy = false;
  }
}

async function sync() {
  if (!isWhole()) return;
  const part = await fragment(`${page.part("thread")}?limit=${TAIL}`);
  if (!lay(listed(part))) await reload();
}

/** Show the end of the current line, whatever is shown now. @param {number} [limit] how many messages */
export async function reload(limit) {
  const part = await fragment(page.part("thread") + (limit ? `?limit=${limit}` : ""));
  forgetBelow();
  place(listed(part), 0);
}

/** @param {DocumentFragment} part @returns {HTMLElement[]} */
export const listed = (part) => /** @type {HTMLElement[]} */ ([...part.children]);

/** Put the end of the line where it belongs; false when it does not meet what is shown. @param {HTMLElement[]} news */
function lay(news) {
  if (!news.length) return true;
  const now = items();
  const known = now.findIndex((li) => li.id === news[0].id);
  if (known >= 0) return place(news, known);
  const parent = news[0].dataset.parent;
  const above = now.findIndex((li) => li.dataset.message && li.dataset.message === parent);
  if (parent && above < 0) return false;
  return place(news, above + 1);
}

/** Replace all from `from` on. Answers that are being written and messages that wait stay as they are. @param {HTMLElement[]} news @param {number} from */
function place(news, from) {
  const tasks = new Set(news.map((li) => li.dataset.task).filter(Boolean));
  const now = items();
  const waits = (/** @type {HTMLElement} */ li) => "waiting" in li.dataset && !tasks.has(li.dataset.waiting);
  const waiting = now.filter(waits);
  const old = new Map(now.slice(from).filter((li) => !waits(li)).map((li) => [li.id, li]));
  const next = news.map((li) => same(old.get(li.id), li));
  atPlace(() => {
    for (const li of old.values()) if (!next.includes(li)) li.remove();
    arrange([...next, ...waiting], from);
    if (isAtEnd()) trimTop();
  });
  watchEnds();
  root.dispatchEvent(new CustomEvent("thread-changed"));
  return true;
}

/** @param {HTMLElement | undefined} now @param {HTMLElement} next */
function same(now, next) {
  if (!now) return next;
  if ("streaming" in now.dataset && "streaming" in next.dataset) return stillStreaming(now, next);
  if ("editing" in now.dataset || now.isEqualNode(next)) return now;
  if ("streaming" in now.dataset || "streaming" in next.dataset) return next;
  Idiomorph.morph(now, next, { callbacks: KEPT });
  return now;
}

/** The text is ahead of the server's copy; what stands around it is not. @param {HTMLElement} now @param {HTMLElement} next */
function stillStreaming(now, next) {
  delete now.dataset.waiting;
  Object.assign(now.dataset, next.dataset);
  now.querySelector(".meta")?.replaceWith(/** @type {Element} */ (next.querySelector(".meta")));
  return now;
}

/** @param {HTMLElement[]} wanted @param {number} from */
function arrange(wanted, from) {
  let cursor = thread().children[from] ?? null;
  for (const li of wanted) {
    if (li === cursor) cursor = cursor.nextElementSibling;
    else thread().insertBefore(li, cursor);
  }
}

/** Add something at the end, such as a message that is being sent. @param {HTMLElement} li */
export function append(li) {
  thread().append(li);
  scrollToEnd();
  root.dispatchEvent(new CustomEvent("thread-changed"));
}

/** Remove a message and all that follows it from the page, because a new line begins there. @param {HTMLElement} li */
export function cutFrom(li) {
  const all = items();
  for (const one of all.slice(all.indexOf(li))) one.remove();
  forgetBelow();
}
