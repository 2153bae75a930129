/** Short notices at the corner: one line, past tense, with Undo where something can be undone. */

import { shortcut } from "./keys.js";
import { say } from "./say.js";

const SHOWN_MS = 6000;
const LINGER_MS = 1500;
const MOST = 3;

/**
 * Show a notice. Errors stay until they are dismissed, and so does what `stays`; others go after 6 s
 * unless looked at.
 * @param {string} text
 * @param {{kind?: "success" | "error" | "info", action?: string, undo?: () => unknown, stays?: boolean, seen?: () => void}} [options]
 *   `seen` is called when somebody dismisses it or does what it offers
 * @returns {{leave: () => void, tell: (text: string) => void}} how to take it away, and to change what it says
 */
export function toast(text, { kind = "success", action = "Undo", undo, stays = kind === "error", seen = () => {} } = {}) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(`toast-${kind}`));
  const shown = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const line = /** @type {HTMLElement} */ (shown.querySelector("p"));
  line.textContent = text;
  const leave = () => remove(shown);
  if (undo) offer(shown, action, undo, leave);
  shown.querySelector("[data-toast-close]")?.addEventListener("click", leave);
  for (const button of shown.querySelectorAll("button")) button.addEventListener("click", seen);
  add(shown);
  say(text, { urgent: kind === "error" });
  if (!stays) setTimeout(() => leaveUnlessLookedAt(shown), SHOWN_MS);
  return { leave, tell: (words) => void (line.textContent = words) };
}

/** @returns {HTMLElement} */
const corner = () => /** @type {HTMLElement} */ (document.querySelector("[data-toasts]"));

/** Above everything that is open, dialogs too. @param {HTMLElement} shown */
function add(shown) {
  const place = corner();
  while (place.children.length >= MOST) (place.querySelector(".toast:not(.error)") ?? place.firstElementChild)?.remove();
  place.append(shown);
  if (place.matches(":popover-open")) place.hidePopover();
  place.showPopover();
}

/** @param {HTMLElement} shown */
function remove(shown) {
  shown.remove();
  if (!corner().children.length && corner().matches(":popover-open")) corner().hidePopover();
}

/** @param {HTMLElement} shown @param {string} action @param {() => unknown} undo @param {() => void} leave */
function offer(shown, action, undo, leave) {
  const button = /** @type {HTMLElement} */ (shown.querySelector("[data-toast-action]"));
  button.hidden = false;
  button.prepend(action, " ");
  button.addEventListener("click", () => {
    leave();
    undo();
  });
}

/** @param {HTMLElement} shown */
function leaveUnlessLookedAt(shown) {
  if (shown.matches(":hover, :focus-within")) setTimeout(() => leaveUnlessLookedAt(shown), LINGER_MS);
  else remove(shown);
}

/** @returns {HTMLElement | undefined} the newest thing that can still be undone */
const latest = () => /** @type {any} */ ([...document.querySelectorAll(".toast [data-toast-action]:not([hidden])")].at(-1));

shortcut("z", { label: "Undo", group: "Everywhere", icon: "retry", when: () => Boolean(latest()), run: () => latest()?.click() });
