/** The menu of one run, and the keys that do the same; wherever runs are listed. */

import { on } from "../../ui/js/behaviour.js";
import { showError } from "../../ui/js/http.js";
import { archive, itemOf, remove, rename, restore, star } from "./run_actions.js";

/** @typedef {import("./run_actions.js").Item} Item */

/** @type {Record<string, (item: Item) => unknown>} */
const ACTIONS = { rename, star, archive, restore, delete: remove };
/** @type {Record<string, string>} */
const KEYS = { r: "rename", F2: "rename", s: "star", a: "archive", Delete: "delete" };
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

on("keydown", "#run-menu", (shown, event) => {
  const { key } = /** @type {KeyboardEvent} */ (event);
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (key === "Tab") menu().hidePopover();
  if (!step) return;
  event.preventDefault();
  const items = /** @type {HTMLElement[]} */ ([...shown.querySelectorAll("[role=menuitem]:not([hidden])")]);
  const next = items.indexOf(/** @type {HTMLElement} */ (document.activeElement)) + step;
  items[(next + items.length) % items.length].focus();
});

document.addEventListener("toggle", (event) => {
  if (event.target === menu() && /** @type {ToggleEvent} */ (event).newState === "closed") {
    const lost = document.activeElement === document.body || menu().contains(document.activeElement);
    if (lost && opener?.isConnected) opener.focus({ preventScroll: true });
  }
}, true);

on("keydown", "[data-run-item]", (element, event) => {
  const { key, ctrlKey, metaKey, altKey, target } = /** @type {KeyboardEvent} */ (event);
  if (ctrlKey || metaKey || altKey || /** @type {HTMLElement} */ (target).matches("input:not([type=checkbox])")) return;
  const item = itemOf(element);
  const name = KEYS[key.length === 1 ? key.toLowerCase() : key];
  if (!item || !name || (item.deleted && name !== "delete")) return;
  event.preventDefault();
  act(name, item);
});

/** Go from run to run with the arrow keys. */
on("keydown", "[data-run-list]", (list, event) => {
  const { key, target } = /** @type {KeyboardEvent} */ (event);
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  const item = /** @type {HTMLElement} */ (target).closest("[data-run-item]");
  if (!step || !item || /** @type {HTMLElement} */ (target).matches("input:not([type=checkbox])")) return;
  const items = [...list.querySelectorAll("[data-run-item]")];
  const next = items[items.indexOf(item) + step]?.querySelector("[data-run-name]");
  if (!next) return;
  event.preventDefault();
  /** @type {HTMLElement} */ (next).focus();
});
