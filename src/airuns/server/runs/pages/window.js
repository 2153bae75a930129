/** Long runs: earlier messages come as one scrolls up, and what is far away leaves the page until it is wanted again. */

import { fragment, Offline, showError } from "../../ui/js/http.js";
import { page, root } from "./page.js";
import { atPlace, scrollToEnd, showJump } from "./place.js";
import { items, listed, reload, thread } from "./thread.js";

const STEP = 40;
const MOST = 280;

/** What was taken out below, the nearest last: the message each part ends at (null: the end of the line). */
/** @type {{end: string | null, count: number}[]} */
const below = JSON.parse(root.dataset.below ?? "[]").map((/** @type {[string | null, number]} */ [end, count]) => ({ end, count }));
let loading = false;
/** Counts how often the page began anew: what was asked for before that does not belong here any more. */
let begun = 0;

/** @returns {boolean} whether the end of the current line is on the page */
export const isWhole = () => below.length === 0 && !root.dataset.branch;

/** The page goes on with the end of the current line, whatever message its address named. */
export function forgetBelow() {
  begun += 1;
  below.length = 0;
  delete root.dataset.branch;
  if (new URLSearchParams(location.search).has("message")) history.replaceState(history.state, "", location.pathname);
  mark();
}

function mark() {
  root.toggleAttribute("data-cut", !isWhole());
  showJump();
}

const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) if (entry.isIntersecting) reach(/** @type {HTMLElement} */ (entry.target));
  },
  { root: root.querySelector("[data-scroll]"), rootMargin: "1600px 0px" },
);

/** Watch the first and the last item: who comes near wants more. */
export function watchEnds() {
  watcher.disconnect();
  const all = items();
  if (all.length) for (const li of new Set([all[0], all[all.length - 1]])) watcher.observe(li);
}

/** @param {HTMLElement} li */
async function reach(li) {
  if (loading || !page.run || !li.isConnected) return;
  const parent = li === items()[0] && li.dataset.parent;
  const later = li === items().at(-1) && below.length > 0;
  if (!parent && !later) return;
  loading = true;
  thread().setAttribute("aria-busy", "true");
  try {
    if (parent) await loadEarlier(parent);
    else await loadLater();
  } catch (error) {
    if (!(error instanceof Offline)) showError(error);
  } finally {
    loading = false;
    thread().removeAttribute("aria-busy");
    watchEnds();
  }
}

/** @param {string} asked @returns {Promise<DocumentFragment | null>} a part of the thread, unless the page began anew */
async function ours(asked) {
  const now = begun;
  const part = await fragment(page.part("thread") + asked);
  return now === begun ? part : null;
}

/** @param {string} end */
async function loadEarlier(end) {
  const part = await ours(`?end=${end}&limit=${STEP}`);
  if (!part) return;
  atPlace(() => {
    thread().prepend(part);
    trimBottom();
  });
  mark();
}

async function loadLater() {
  const { end, count } = below[below.length - 1];
  if (end === null) return loadEnd(count);
  const part = await ours(`?end=${end}&limit=${count}`);
  if (!part) return undefined;
  below.pop();
  atPlace(() => {
    thread().append(part);
    trimTop();
  });
  return mark();
}

/** The line may have grown meanwhile: then its end is shown anew. @param {number} count */
async function loadEnd(count) {
  const part = await ours(`?limit=${count}`);
  if (!part) return undefined;
  const [first] = listed(part);
  const last = items().findLast((li) => li.dataset.message);
  if (first?.dataset.parent !== last?.dataset.message) return reload();
  below.pop();
  atPlace(() => {
    thread().append(part);
    trimTop();
  });
  return mark();
}

function trimBottom() {
  while (items().length > MOST) {
    const gone = items().slice(-STEP);
    if (gone.some((li) => "waiting" in li.dataset)) return;
    const messages = gone.filter((li) => li.dataset.message);
    below.push({ end: isWhole() ? null : (messages.at(-1)?.dataset.message ?? null), count: messages.length });
    for (const li of gone) li.remove();
  }
}

/** Take what is far above out of the page; it comes back as one scrolls up. */
export function trimTop() {
  const all = items();
  for (const li of all.slice(0, Math.max(0, all.length - MOST))) li.remove();
}

/** Show the message that the address names, when the page came without it; then the page is marked as cut. */
export function showTarget() {
  const named = location.hash.startsWith("#m-") && page.run && !new URLSearchParams(location.search).has("message");
  if (named && !document.getElementById(location.hash.slice(1))) {
    return location.replace(`${location.pathname}?message=${location.hash.slice(3)}${location.hash}`);
  }
  return mark();
}
addEventListener("hashchange", showTarget);

root.addEventListener("jump", async () => {
  if (!isWhole()) await reload().catch(showError);
  scrollToEnd();
  showJump();
});
