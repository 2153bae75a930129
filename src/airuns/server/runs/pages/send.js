/** Sends messages: shown at once, and taken back into the composer when the server refuses them. */

import { on } from "../../ui/js/behaviour.js";
import { clone, page, root } from "./page.js";
import { deliver, drop, put, waiting } from "./outbox.js";
import { append, items, lastMessage, syncSoon } from "./thread.js";
import { forgetBelow, isWhole } from "./window.js";

/** @typedef {import("./outbox.js").Sent} Sent */

/**
 * Send a message, or a prompt alone.
 * @param {{text: string, content: any, files?: {name: string, size: number}[], more: object, parent?: string | null}} message
 *   `content` null sends no message; `parent` says below which message it goes, by default the last.
 */
export async function submit({ text, content, files = [], more, parent }) {
  const task = crypto.randomUUID();
  const messages = content === null ? [] : [{ role: "user", content }];
  const below = parent === undefined ? (root.dataset.branch ?? lastMessage()) : parent;
  const where = page.run ? { run_id: page.run, ...(below === undefined ? {} : { parent_id: below }) } : {};
  const sent = { task, text, files, payload: { task_id: task, messages, ...where, ...more } };
  put(sent);
  if (!isWhole()) forgetBelow(); // what one sends is at the end, which comes with the answer's news
  show(sent);
  await deliver(sent);
}

/** @param {Sent} sent */
function show(sent) {
  if (document.getElementById(`q-${sent.task}`)) return;
  root.toggleAttribute("data-sending", true);
  if (sent.payload.messages.length) append(question(sent));
  append(answerOf(sent.task));
  showStart();
}

/** @param {Sent} sent */
function question(sent) {
  const li = clone("question-template");
  li.id = `q-${sent.task}`;
  li.dataset.waiting = sent.task;
  const bubble = /** @type {HTMLElement} */ (li.querySelector("[data-text]"));
  bubble.textContent = sent.text;
  bubble.hidden = !sent.text;
  const files = /** @type {HTMLElement} */ (li.querySelector("[data-sent-files]"));
  files.hidden = !sent.files.length;
  for (const file of sent.files) files.append(chip(file.name));
  return li;
}

/** @param {string} name */
function chip(name) {
  const tag = document.createElement("span");
  tag.className = "tag";
  tag.textContent = name;
  return tag;
}

/** An answer that has not begun. @param {string} task */
export function answerOf(task) {
  const li = clone("answer-template");
  li.id = `t-${task}`;
  Object.assign(li.dataset, { task, waiting: task });
  return li;
}

/** A run that has not begun shows what it begins with, unless its first message is on its way. */
function showStart() {
  const start = /** @type {HTMLElement | null} */ (root.querySelector("[data-start]"));
  if (start) start.hidden = items().length > 0;
}

/** @param {string} task */
function remove(task) {
  for (const li of items()) if (li.dataset.waiting === task) li.remove();
  showStart();
  root.toggleAttribute("data-sending", waiting().length > 0);
  root.dispatchEvent(new CustomEvent("thread-changed"));
}

on("click", "[data-discard]", (button) => {
  const task = button.closest("li")?.dataset.waiting ?? "";
  drop(task);
  remove(task);
});

root.addEventListener("sent-off", () => root.toggleAttribute("data-sending", false));

root.addEventListener("sent-refused", (event) => {
  remove(/** @type {CustomEvent} */ (event).detail.sent.task);
  syncSoon();
});

root.addEventListener("sent-waits", (event) => {
  const { sent, because } = /** @type {CustomEvent} */ (event).detail;
  document.getElementById(`t-${sent.task}`)?.remove();
  const note = /** @type {HTMLElement | null} */ (document.querySelector(`#q-${sent.task} [data-waiting-note]`));
  const words = note?.querySelector("span");
  if (!note || !words) return;
  words.textContent = because.status ? `Waits: ${because.message}` : "Waits for the network";
  note.hidden = false;
  root.dispatchEvent(new CustomEvent("thread-changed"));
});

root.addEventListener("outbox-changed", () => {
  const left = new Set(waiting().map((one) => one.task));
  for (const li of items()) if (li.dataset.waiting && li.id.startsWith("q-") && !left.has(li.dataset.waiting)) remove(li.dataset.waiting);
});

/** Show what a reload found still waiting. */
export function showWaiting() {
  for (const sent of waiting()) show(sent);
}
