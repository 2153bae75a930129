/**
 * Where the reader is. The scroller begins at its end (column-reverse), so that a thread opens there and stays there;
 * for one who reads further up, whatever changes leaves the lines in view where they are.
 */

import { on } from "../../ui/js/behaviour.js";
import { root } from "./page.js";

const NEAR = 24;

export const scroller = () => /** @type {HTMLElement} */ (root.querySelector("[data-scroll]"));

export const isAtEnd = () => !scroller() || scroller().scrollTop > -NEAR;

export function scrollToEnd() {
  scroller().scrollTop = 0;
}

/** Change the thread without moving what is in view. @param {() => void} change */
export function atPlace(change) {
  if (isAtEnd()) {
    change();
    if (scroller()) scrollToEnd();
    return;
  }
  const marks = inView().map((li) => /** @type {const} */ ([li, li.getBoundingClientRect().top]));
  change();
  const [mark, top] = marks.find(([li]) => li.isConnected) ?? [];
  if (mark && top !== undefined) scroller().scrollTop += mark.getBoundingClientRect().top - top;
  showJump();
}

/** @returns {Element[]} the first item in view, then those around it */
function inView() {
  const all = [...(root.querySelector("[data-thread]")?.children ?? [])];
  const edge = scroller().getBoundingClientRect().top;
  const first = Math.max(0, firstBelow(all, edge));
  return [...all.slice(first, first + 3), ...all.slice(Math.max(0, first - 3), first).reverse()];
}

/** @param {Element[]} all @param {number} edge */
function firstBelow(all, edge) {
  let low = 0;
  let high = all.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle].getBoundingClientRect().bottom > edge) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function showJump() {
  const button = /** @type {HTMLElement | null} */ (root.querySelector("[data-jump]"));
  if (button) button.hidden = isAtEnd() && !root.hasAttribute("data-cut");
}

scroller()?.addEventListener("scroll", showJump, { passive: true });
on("click", "[data-jump]", () => root.dispatchEvent(new CustomEvent("jump")));
