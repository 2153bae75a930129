/** The menu of one run, and the keys that do the same; wherever runs are listed. */

import { on } from "../../ui/js/behaviour.js";
import { showError } from "../../ui/js/http.js";
import { shortcut } from "../../ui/js/keys.js";
import { chooseExport, copyRun } from "./export.js";
import { archive, itemOf, remove, rename, restore, star } from "./run_actions.js";

/** @typedef {import("./run_actions.js").Item} Item */

/** @type {Record<string, (item: Item) => unknown>} */
const ACTIONS = {
  rename, star, archive, restore, delete: remove,
  copy: ({ id }) => copyRun(id, "markdown"),
  download: ({ id }) => chooseExport({ run: id }),
};
const GROUP = "Lists of runs";
const GAP_PX = 4;

/** @type {Item | null} */
let current = null;
/** @type {HTMLElement | null} */
let opener = null;

const menu = () => /** @type {HTMLElement} */ (document.getElementById("run-menu"));

/** @param {string} name @param {Item} item */
async function act(name, item) {
  try {
    await ACTIONS[name](item);
  } catch (error) {
    showError(error);
  }
}

/** Open the menu of a run beside an element, or at a point. @param {HTMLElement} from @param {{x: number, y: number}} [at] */
export function openMenu(from, at) {
  current = itemOf(from);
  if (!current) return;
  opener = from;
  const shown = menu();
  label(shown, current);
  shown.showPopover();
  const box = from.getBoundingClientRect();
  place(shown, at?.x ?? box.right - shown.offsetWidth, at?.y ?? box.bottom + GAP_PX);
  /** @type {HTMLElement | null} */ (shown.querySelector("[role=menuitem]"))?.focus({ preventScroll: true });
}

/** @param {HTMLElement} shown @param {Item} item */
function label(shown, item) {
  shown.setAttribute("aria-label", item.name);
  const link = /** @type {HTMLAnchorElement} */ (item.element.querySelector("[data-run-name]"));
  const word = (/** @type {string} */ part, /** @type {string} */ text) => {
    const element = shown.querySelector(`[data-run-${part}-word]`);
    if (element) element.textContent = text;
  };
  shown.querySelector('[data-run-do="open"]')?.setAttribute("href", link.href);
  word("star", item.starred ? "Unstar" : "Star");
  word("archive", item.archived ? "Take out of the archive" : "Archive");
  word("delete", item.deleted ? "Delete for good" : "Delete");
  for (const element of shown.querySelectorAll("[data-run-do]")) {
    const name = /** @type {HTMLElement} */ (element).dataset.runDo ?? "";
    const stays = name === "delete" || (name === "restore") === item.deleted;
    /** @type {HTMLElement} */ (element).hidden = !stays;
  }
}

/** @param {HTMLElement} shown @param {number} x @param {number} y */
function place(shown, x, y) {
  shown.style.left = `${Math.max(GAP_PX, Math.min(x, innerWidth - shown.offsetWidth - GAP_PX))}px`;
  shown.style.top = `${Math.max(GAP_PX, Math.min(y, innerHeight - shown.offsetHeight - GAP_PX))}px`;
}

on("click", "[data-run-more]", (button) => openMenu(button));

on("click", "[data-run-star]", (button) => {
  const item = itemOf(button);
  if (item) act("star", item);
});

on("click", "#run-menu [data-run-do]", (element) => {
  menu().hidePopover();
  const name = element.dataset.runDo ?? "";
  if (current && name in ACTIONS) act(name, current);
});

/** It opens while a finger still holds the run, whose lifting would close a popover that closes by itself. */
document.addEventListener("pointerdown", (event) => {
  if (menu()?.matches(":popover-open") && !menu().contains(/** @type {Node} */ (event.target))) menu().hidePopover();
});

document.addEventListener("toggle", (event) => {
  if (event.target === menu() && /** @type {ToggleEvent} */ (event).newState === "closed") {
    const lost = document.activeElement === document.body || menu().contains(document.activeElement);
    if (lost && opener?.isConnected) opener.focus({ preventScroll: true });
  }
}, true);

const focused = () => itemOf(document.activeElement);
const isListed = () => Boolean(document.querySelector("[data-run-list]"));

/** @param {string} keys @param {string} label @param {string} name what is done with the run that has the focus */
function key(keys, label, name) {
  const applies = () => Boolean(focused()) && (name === "delete" || !focused()?.deleted);
  shortcut(keys, { label, group: GROUP, menu: false, when: applies, run: () => act(name, /** @type {Item} */ (focused())) });
  shortcut(keys, { label, group: GROUP, when: () => isListed() && !applies() });
}

/** Go to the next run of a list, or to its first. @param {1 | -1} step */
function go(step) {
  const item = focused()?.element;
  const list = item?.closest("[data-run-list]") ?? [...document.querySelectorAll("[data-run-list]")].find((one) => one.checkVisibility());
  const items = [...(list?.querySelectorAll("[data-run-item]") ?? [])];
  const next = item ? items[items.indexOf(item) + step] : items[0];
  const name = /** @type {HTMLElement | null | undefined} */ (next?.querySelector("[data-run-name]"));
  name?.focus();
}

for (const [keys, step] of /** @type {[string, 1 | -1][]} */ ([["j", 1], ["k", -1]])) {
  shortcut(keys, { label: step > 0 ? "Next run" : "Run before", group: GROUP, menu: false, when: isListed, run: () => go(step) });
}
for (const [keys, step] of /** @type {[string, 1 | -1][]} */ ([["arrowdown", 1], ["arrowup", -1]])) {
  shortcut(keys, { label: step > 0 ? "Next run" : "Run before", group: GROUP, menu: false, when: () => Boolean(focused()), run: () => go(step) });
}
key("s", "Star", "star");
key("r", "Rename", "rename");
key("a", "Archive", "archive");
key("d", "Download", "download");
key("delete", "Delete", "delete");
