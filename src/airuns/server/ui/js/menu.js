/**
 * Menus: popovers with `data-menu` that a button opens by popovertarget, and `details.dropdown`.
 * Arrows, Home, End and letters move; Esc closes and leads back to the button; one never leaves the screen.
 */

import { on } from "./behaviour.js";

const GAP = 4;
const EDGE = 8;
const ITEMS = ":is(a[href], button, input, select, textarea):not(:disabled, [hidden])";

/** @param {Element} menu @returns {HTMLElement[]} */
const itemsOf = (menu) => /** @type {any} */ ([...menu.querySelectorAll(ITEMS)].filter((item) => item.checkVisibility()));

/** @param {Element} menu @returns {HTMLElement | null} the button that opened a menu */
const openerOf = (menu) =>
  menu.closest("details.dropdown")?.querySelector("summary") ?? document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]:not(#${CSS.escape(menu.id)} *)`);

/** Below the button and flush with its end; above or shifted where there is no room. @param {HTMLElement} menu @param {Element} opener */
function place(menu, opener) {
  const at = opener.getBoundingClientRect();
  Object.assign(menu.style, { inset: "auto", maxBlockSize: "" });
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = innerHeight - at.bottom - GAP - EDGE;
  const above = at.top - GAP - EDGE;
  const up = height > below && above > below;
  const room = Math.max(up ? above : below, 0);
  const flush = menu.dataset.menu === "start" ? at.left : at.right - width;
  menu.style.left = `${Math.max(EDGE, Math.min(flush, innerWidth - width - EDGE))}px`;
  menu.style.top = `${up ? Math.max(EDGE, at.top - GAP - Math.min(height, room)) : at.bottom + GAP}px`;
  menu.style.maxBlockSize = `${room}px`;
}

/** @param {HTMLElement} menu */
function opened(menu) {
  const opener = openerOf(menu);
  if (opener && menu.matches("[popover]")) place(menu, opener);
  else keepInside(menu);
  if (!menu.contains(document.activeElement)) itemsOf(menu)[0]?.focus({ preventScroll: true });
}

/** @param {HTMLElement} menu */
function keepInside(menu) {
  menu.style.translate = "";
  const { left, right } = menu.getBoundingClientRect();
  const over = Math.max(0, right - innerWidth + EDGE) - Math.max(0, EDGE - left);
  if (over) menu.style.translate = `${-over}px`;
}

/** @param {Element} menu @param {boolean} [back] whether the focus goes back to the button */
function close(menu, back = false) {
  const opener = openerOf(menu);
  const details = /** @type {HTMLDetailsElement | null} */ (menu.closest("details.dropdown"));
  if (details) details.open = false;
  else /** @type {HTMLElement} */ (menu).hidePopover();
  if (back) opener?.focus();
}

/** @returns {HTMLElement[]} the menus that are open */
const openMenus = () => /** @type {any} */ ([...document.querySelectorAll("[data-menu]:popover-open, details.dropdown[open] > .menu")]);

/** @param {HTMLElement[]} items @param {KeyboardEvent} event @returns {HTMLElement | undefined} */
function next(items, event) {
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (event.key === "ArrowDown") return items[(at + 1) % items.length];
  if (event.key === "ArrowUp") return items[(at - 1 + items.length) % items.length];
  if (event.key === "Home") return items[0];
  if (event.key === "End") return items.at(-1);
  if (event.key.length !== 1 || event.key === " " || event.ctrlKey || event.metaKey || event.altKey) return;
  const following = [...items.slice(at + 1), ...items.slice(0, at + 1)];
  return following.find((item) => item.textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase()));
}

document.addEventListener("toggle", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
  if (target.matches("[data-menu]")) opened(target);
  const menu = /** @type {HTMLElement | null} */ (target.matches("details.dropdown") ? target.querySelector(":scope > .menu") : null);
  if (menu) opened(menu);
}, true);

document.addEventListener("keydown", (event) => {
  const target = /** @type {Element} */ (event.target);
  const opener = target.closest?.("[popovertarget], details.dropdown > summary");
  if (opener && event.key === "ArrowDown" && !openMenus().some((menu) => openerOf(menu) === opener)) {
    const menu = document.getElementById(opener.getAttribute("popovertarget") ?? "");
    if (menu && !menu.matches("[data-menu]")) return;
    event.preventDefault();
    /** @type {HTMLElement} */ (opener).click();
    return;
  }
  const menu = openMenus().find((one) => one.contains(target) || openerOf(one) === opener);
  if (!menu) return;
  if (event.key === "Escape") {
    event.preventDefault();
    return close(menu, true);
  }
  if (target.matches("input, textarea, select")) return;
  const item = next(itemsOf(menu), event);
  if (item) {
    event.preventDefault();
    item.focus();
  }
});

on("click", "[data-menu] .menu-item, details.dropdown .menu-item", (item) => {
  const menu = item.closest("[data-menu], .menu");
  if (menu && !item.closest("[data-keep-open]")) close(menu, item.matches("button"));
});
document.addEventListener("pointerdown", (event) => {
  for (const details of document.querySelectorAll("details.dropdown[open]")) {
    if (!details.contains(/** @type {Node} */ (event.target))) /** @type {HTMLDetailsElement} */ (details).open = false;
  }
});
document.addEventListener("scroll", (event) => {
  for (const menu of openMenus()) {
    if (menu.matches("[popover]") && !menu.contains(/** @type {Node} */ (event.target))) close(menu);
  }
}, true);
addEventListener("resize", () => openMenus().forEach(opened));
