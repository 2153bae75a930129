/**
 * Asks for a format and takes runs away: at once what is quickly made, the rest as an export that the
 * server makes in the background.
 */

import { download } from "../../ui/js/download.js";
import { makeExport } from "../../ui/js/exports.js";
import { whileBusy } from "../../ui/js/form.js";
import { fragment } from "../../ui/js/http.js";
import { say } from "../../ui/js/say.js";

/** @typedef {{run: string} | {ids: string[]} | {filter: Record<string, unknown>}} Which */

const MOST_AT_ONCE = 500;
const MOST_PDFS_AT_ONCE = 10; // each takes a moment
const MOST_IDS_IN_ADDRESS = 100;

/** @typedef {{which: Which, total: number, signal: AbortSignal}} Asked */

/**
 * Open the choice of a format.
 * @param {Which} which what to take
 * @param {number} [total] how many runs that are
 * @param {boolean} [newest] that there are more, and these are the newest
 */
export async function chooseExport(which, total = 1, newest = false) {
  const query = "run" in which ? `run_id=${which.run}` : `runs=${total}${newest ? "&newest=true" : ""}`;
  const part = await fragment(`/ai/exports/choice?${query}`);
  const dialog = /** @type {HTMLDialogElement} */ (part.querySelector("dialog"));
  const stop = new AbortController();
  const asked = { which, total, signal: stop.signal };
  dialog.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-export-as]");
    if (button && !dialog.querySelector("[aria-busy=true]")) whileBusy(button, () => take(dialog, asked, button.getAttribute("data-export-as") ?? ""));
  });
  dialog.addEventListener("close", () => {
    stop.abort(); // what is still being made is wanted no more
    dialog.remove();
  });
  const inBackground = /** @type {HTMLElement} */ (dialog.querySelector("[data-background]"));
  inBackground.hidden = isSoonMade(asked, "json");
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {HTMLDialogElement} dialog @param {Asked} asked @param {string} format */
async function take(dialog, asked, format) {
  const problem = /** @type {HTMLElement} */ (dialog.querySelector("[data-export-problem]"));
  const branches = /** @type {HTMLInputElement | null} */ (dialog.querySelector("[name=branches]:checked"))?.value ?? "current";
  problem.hidden = true;
  say("Being made…");
  try {
    if (isSoonMade(asked, format)) await download(address(asked.which, format, branches), asked.signal);
    else await makeExport({ format, branches, ...asked.which });
    dialog.close();
  } catch (error) {
    if (asked.signal.aborted) return;
    /** @type {HTMLElement} */ (problem.querySelector("p")).textContent = error.message;
    problem.hidden = false;
    problem.scrollIntoView({ block: "nearest" });
  }
}

/** @param {Asked} asked @param {string} format */
function isSoonMade({ which, total }, format) {
  if ("run" in which) return true;
  if ("ids" in which && which.ids.length > MOST_IDS_IN_ADDRESS) return false;
  return total <= (format === "pdf" ? MOST_PDFS_AT_ONCE : MOST_AT_ONCE);
}

/** @param {Which} which @param {string} format @param {string} branches */
function address(which, format, branches) {
  const query = new URLSearchParams({ format, branches });
  if ("run" in which) return `/api/runs/${which.run}/export?${query}`;
  if ("ids" in which) for (const id of which.ids) query.append("ids", id);
  else for (const [name, value] of Object.entries(which.filter)) query.append(name, String(value));
  return `/api/export?${query}`;
}
