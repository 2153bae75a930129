/** Selecting runs, one by one, from here to there, the page, or all that match; and what is done with them. */

import { on } from "../../ui/js/behaviour.js";
import { confirmed } from "../../ui/js/confirm.js";
import { showError } from "../../ui/js/http.js";
import { shortcut } from "../../ui/js/keys.js";
import { change, purge, some } from "./run_actions.js";
import { askTag } from "./table_tag.js";

let allMatch = false;
/** @type {HTMLInputElement | null} */
let last = null;

const boxes = () => /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("[data-select]")]);
const picked = () => boxes().filter((box) => box.checked);
const total = () => Number(document.querySelector("[data-total-runs]")?.getAttribute("data-total-runs") ?? 0);
const idOf = (/** @type {Element} */ box) => /** @type {HTMLElement} */ (box.closest("[data-run-item]")).dataset.runItem ?? "";

/** Show what is selected. */
export function settleSelection() {
  const chosen = picked();
  if (chosen.length < boxes().length) allMatch = false;
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
  if (count) count.textContent = `${(allMatch ? total() : chosen.length).toLocaleString("en")} selected`;
  const all = /** @type {HTMLElement} */ (bar.querySelector("[data-bulk-all]"));
  all.hidden = allMatch || total() <= chosen.length || chosen.length < boxes().length;
  all.textContent = `Select all ${total().toLocaleString("en")}`;
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
  return allMatch ? { filter: JSON.parse(runs.dataset.filter ?? "{}") } : { ids: picked().map(idOf) };
}

/** @param {string} name */
async function act(name) {
  const chosen = which();
  const many = some(allMatch && name !== "purge" ? total() : picked().length, "run");
  if (name === "tag") {
    const answer = await askTag(many);
    if (!answer) return;
    await change(answer.action, chosen, { tag: answer.tag });
  } else if (name === "purge") {
    if (!(await confirmed({ title: `Delete ${many} for good?`, text: "All their messages go with them. This cannot be undone.", verb: "Delete for good" }))) return;
    await purge(picked().map(idOf));
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

on("click", "[data-bulk-all]", () => {
  for (const box of boxes()) box.checked = true;
  allMatch = true;
  settleSelection();
});

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
