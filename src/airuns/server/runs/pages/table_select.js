/** Selecting runs, one by one, from here to there, the page, or all that match; and what is done with them. */

import { on } from "../../ui/js/behaviour.js";
import { whileBusy } from "../../ui/js/form.js";
import { send, showError } from "../../ui/js/http.js";
import { shortcut } from "../../ui/js/keys.js";
import { chooseExport } from "./export.js";
import { change, emptyTrash, forGood, purge, some } from "./run_actions.js";
import { askTag } from "./table_tag.js";

let allMatch = false;
/** The runs that a search found when all were selected: those are changed. @type {string[] | null} */
let matching = null;
/** There are more than those: they are the newest. */
let isCapped = false;
/** @type {HTMLInputElement | null} */
let last = null;

const boxes = () => /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("[data-select]")]);
const picked = () => boxes().filter((box) => box.checked);
const sums = () => document.querySelector("[data-total-runs]");
const total = () => matching?.length ?? Number(sums()?.getAttribute("data-total-runs") ?? 0);
const isSumCapped = () => sums()?.hasAttribute("data-capped") ?? false; // more than are summed up
const idOf = (/** @type {Element} */ box) => /** @type {HTMLElement} */ (box.closest("[data-run-item]")).dataset.runItem ?? "";

/** Show what is selected. */
export function settleSelection() {
  const chosen = picked();
  if (chosen.length < boxes().length) allMatch = false;
  if (!allMatch) [matching, isCapped] = [null, false];
  for (const box of boxes()) box.closest("tr")?.classList.toggle("selected", box.checked);
  const page = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-select-page]"));
  if (page) {
    page.checked = chosen.length > 0 && chosen.length === boxes().length;
    page.indeterminate = chosen.length > 0 && !page.checked;
  }
  const bar = /** @type {HTMLElement | null} */ (document.querySelector("[data-bulk]"));
  if (!bar) return;
  bar.hidden = chosen.length === 0;
  const count = bar.querySelector("[data-bulk-count]");
  const newest = isCapped ? ", the newest that are found" : "";
  const more = allMatch && !matching && isSumCapped() ? "more than " : "";
  if (count) count.textContent = `${more}${(allMatch ? total() : chosen.length).toLocaleString("en")} selected${newest}`;
  const all = /** @type {HTMLElement} */ (bar.querySelector("[data-bulk-all]"));
  all.hidden = allMatch || total() <= chosen.length || chosen.length < boxes().length;
  all.textContent = isSumCapped() ? "Select all that are found" : `Select all ${total().toLocaleString("en")}`;
}

function clear() {
  for (const box of boxes()) box.checked = false;
  allMatch = false;
  settleSelection();
}

/** @param {HTMLInputElement} box @param {boolean} range from the last one to this one */
function pick(box, range) {
  const all = boxes();
  if (range && last?.isConnected) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const each of all.slice(from, to + 1)) each.checked = box.checked;
  }
  last = box;
  settleSelection();
}

/** @returns {import("./run_actions.js").Which} */
function which() {
  const runs = /** @type {HTMLElement} */ (document.querySelector("[data-runs]"));
  if (!allMatch) return { ids: picked().map(idOf) };
  return matching ? { ids: matching } : { filter: JSON.parse(runs.dataset.filter ?? "{}") };
}

/** @param {string} name */
async function act(name) {
  const chosen = which();
  const count = allMatch ? total() : picked().length;
  if (name === "download") return void (await chooseExport(chosen, count, isCapped));
  if (name === "tag") {
    const answer = await askTag(`${isCapped ? "the newest " : ""}${some(count, "run")}`);
    if (!answer) return;
    await change(answer.action, chosen, { tag: answer.tag });
  } else if (name === "purge") {
    if (!(await forGood(count))) return;
    if ("filter" in chosen) await emptyTrash(chosen.filter, count);
    else await purge(chosen.ids);
  } else {
    await change(/** @type {any} */ (name), chosen);
  }
  clear();
}

on("click", "[data-select]", (box, event) =>
  pick(/** @type {HTMLInputElement} */ (box), /** @type {MouseEvent} */ (event).shiftKey));

on("change", "[data-select-page]", (page) => {
  for (const box of boxes()) box.checked = /** @type {HTMLInputElement} */ (page).checked;
  settleSelection();
});

async function pickAll() {
  const search = /** @type {HTMLElement} */ (document.querySelector("[data-runs]")).dataset.matching;
  const found = search ? await send("GET", search) : null;
  for (const box of boxes()) box.checked = true;
  allMatch = true;
  matching = found?.run_ids ?? null;
  isCapped = found?.is_capped ?? false;
  settleSelection();
}

on("click", "[data-bulk-all]", (button) => void whileBusy(button, pickAll).catch(showError));

on("click", "[data-bulk-clear]", clear);

on("click", "[data-bulk-do]", async (button) => {
  button.setAttribute("aria-busy", "true");
  try {
    await act(button.dataset.bulkDo ?? "");
  } catch (error) {
    showError(error);
  } finally {
    button.removeAttribute("aria-busy");
  }
});

/** @param {boolean} range */
function pickFocused(range) {
  const box = document.activeElement?.closest("[data-run-item]")?.querySelector("[data-select]");
  if (!(box instanceof HTMLInputElement)) return;
  box.checked = !box.checked;
  pick(box, range);
}

const group = "Lists of runs";
shortcut("x", { label: "Select", group, menu: false, run: () => pickFocused(false) });
shortcut("shift+x", { label: "Select to here", group, menu: false, run: () => pickFocused(true) });
shortcut("escape", { label: "Clear the selection", group, menu: false, when: () => picked().length > 0, run: clear });

document.addEventListener("runs:settled", settleSelection);
