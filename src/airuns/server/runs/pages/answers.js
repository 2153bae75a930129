/**
 * Answers that are being written. Each piece says at which character it begins: what one has is
 * skipped, and a gap asks for the text so far. Characters are Unicode code points, as the server counts.
 */

import { behaviour } from "../../ui/js/behaviour.js";
import { ask, hear, whenConnected, whenLost } from "../../ui/js/live.js";
import { announce, announceEnd } from "./announce.js";
import { page, root } from "./page.js";
import { atPlace, syncSoon } from "./thread.js";

/** @typedef {{text: string, length: number, shown: number, place: HTMLElement | null}} Answer */

/** @type {Map<string, Answer>} */
const answers = new Map();
const FINAL = ["task.completed", "task.error", "task.cancelled"];
let connected = false;
let joining = false;
let drawing = 0;

/** @returns {boolean} whether the live channel is there */
export const isConnected = () => connected;

/** @param {string} text */
function count(text) {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** @param {string} task @returns {Answer} */
function answer(task) {
  let found = answers.get(task);
  if (!found) answers.set(task, (found = { text: "", length: 0, shown: 0, place: null }));
  return found;
}

/** Take an event of a task, from wherever it came. @param {string} name @param {any} data */
export function heard(name, data) {
  if (name === "task.delta") piece(data);
  else if (name === "task.started") syncSoon();
  else if (FINAL.includes(name)) end(data);
}

/** @param {{task_id: string, offset: number, text: string}} data */
function piece({ task_id: task, offset, text }) {
  const one = answer(task);
  const end = offset + count(text);
  if (end <= one.length) return;
  if (offset > one.length) return void join();
  const news = offset === one.length ? text : [...text].slice(one.length - offset).join("");
  one.text += news;
  one.length = end;
  announce(task, news);
  draw();
}

/** @param {any} data */
function end(data) {
  announceEnd(data.task_id, data.status);
  atPlace(() => show(answer(data.task_id)));
  answers.delete(data.task_id);
  syncSoon();
}

/** Take a whole text, if it is longer than what is here. @param {string} task @param {string} text */
function whole(task, text) {
  const one = answer(task);
  const length = count(text);
  if (length <= one.length) return;
  announce(task, [...text].slice(one.length).join(""));
  one.text = text;
  one.length = length;
  draw();
}

/** Show what has come, once a frame at most. */
function draw() {
  drawing ||= requestAnimationFrame(() => {
    drawing = 0;
    atPlace(() => answers.forEach(show));
  });
}

/** @param {Answer} one */
function show(one) {
  if (!one.place?.isConnected || one.shown === one.text.length) return;
  if (!one.place.firstChild) one.place.append("");
  /** @type {Text} */ (one.place.firstChild).appendData(one.text.slice(one.shown));
  one.shown = one.text.length;
}

/** Hear of a run's tasks, and take what has come of them so far. */
export async function join() {
  if (!page.run || !connected || joining) return;
  joining = true;
  const found = await ask("run:join", { run_id: page.run }).catch(() => null);
  joining = false;
  if (found) take(found.tasks);
}

/** @param {{task_id: string, text: string}[]} tasks those of the run that are running, and all that has come */
function take(tasks) {
  for (const { task_id: task, text } of tasks) whole(task, text);
  const shown = [...root.querySelectorAll("li[data-streaming]")].map((li) => li.getAttribute("data-task"));
  const running = tasks.map((one) => one.task_id);
  if (shown.sort().join() !== running.sort().join()) syncSoon();
}

behaviour("li[data-streaming]", (li) => {
  const place = /** @type {HTMLElement} */ (li.querySelector("[data-stream]"));
  const one = answer(li.dataset.task ?? "");
  const text = place.textContent ?? "";
  if (count(text) > one.length) Object.assign(one, { text, length: count(text) });
  place.textContent = one.text;
  Object.assign(one, { place, shown: one.text.length });
});

for (const name of ["task.started", "task.delta", ...FINAL]) hear(name, (data) => heard(name, data));
whenConnected(() => {
  connected = true;
  join();
});
whenLost(() => {
  connected = false;
});
root.addEventListener("run-begun", () => join());
