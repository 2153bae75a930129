/**
 * Exports that the server makes in the background: the tab that asked for one follows it from page to
 * page, and offers the file when it is there. A page that lists exports shows them itself.
 */

import { send } from "./http.js";
import { hear } from "./live.js";
import { toast } from "./toast.js";

/** @typedef {{id: string, state: string, done_runs: number, total_runs: number | null, left_out: number, error: string | null}} Export */

const LOOK_MS = 1000;
const LIST = "/settings/data";
const KEPT = `airuns:exports:${document.body.dataset.user}`;

/** @type {Map<string, ReturnType<typeof toast>>} what is said of each that is being made */
const said = new Map();
/** Whose end this page has told; the next page tells it again, unless somebody has seen it. @type {Set<string>} */
const told = new Set();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @returns {string[]} */
const followed = () => JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");

/** @param {string[]} ids */
const keep = (ids) => sessionStorage.setItem(KEPT, JSON.stringify(ids));

const pending = () => followed().filter((id) => !told.has(id));

const isListed = () => document.querySelector("[data-exports]") !== null;

/** Have an export made, and follow it. @param {object} body as POST /api/exports takes it */
export async function makeExport(body) {
  follow((await send("POST", "/api/exports", body)).id);
}

/** Follow an export that is being made. @param {string} id */
export function follow(id) {
  keep([...new Set([...followed(), id])]);
  look();
}

/** Say how far each one is, again and again as long as there is one. */
async function look() {
  clearTimeout(timer);
  for (const id of pending()) await lookAt(id);
  clearTimeout(timer);
  if (pending().length) timer = setTimeout(look, LOOK_MS);
}

/** @param {string} id */
async function lookAt(id) {
  try {
    tell(await send("GET", `/api/exports/${id}`));
  } catch (error) {
    if (error.status === 404) drop(id); // it was deleted
  }
}

/** @param {Export} made */
function tell(made) {
  if (made.state === "done" || made.state === "failed") {
    said.get(made.id)?.leave();
    if (isListed()) drop(made.id);
    else if (!told.has(made.id)) ended(made);
  } else if (!isListed()) {
    const line = said.get(made.id);
    if (line) line.tell(progress(made));
    else said.set(made.id, toast(progress(made), { kind: "info", stays: true, action: "Show", undo: () => location.assign(LIST) }));
  }
}

/** @param {Export} made */
const progress = ({ done_runs: done, total_runs: total }) =>
  total === null ? "Your export waits its turn" : `Exporting ${done.toLocaleString("en")} of ${total.toLocaleString("en")} runs`;

/** @param {Export} made */
function ended({ id, state, error, left_out: out }) {
  told.add(id);
  const seen = () => drop(id);
  if (state === "failed") return void toast(`Your export has failed: ${error}`, { kind: "error", seen });
  const without = out ? `, without ${out.toLocaleString("en")} that ${out === 1 ? "has" : "have"} no answer` : "";
  toast(`Your export is ready${without}`, { stays: true, action: "Download", undo: () => take(id), seen });
}

/** @param {string} id */
function take(id) {
  const link = document.createElement("a");
  link.href = `/api/exports/${id}/download`;
  link.download = "";
  link.click();
}

/** Follow one no longer. @param {string} id */
function drop(id) {
  keep(followed().filter((one) => one !== id));
  said.get(id)?.leave();
  said.delete(id);
}

hear("exports.changed", ({ export_id: id }) => pending().includes(id) && look());
if (pending().length) look();
