/** Copies with one click: what `data-copy` names by selector, or holds in `data-copy-text`. */

import { on } from "./behaviour.js";
import { toast } from "./toast.js";

/** @param {string} text */
export async function copyText(text) {
  await navigator.clipboard.writeText(text);
  toast("Copied");
}

on("click", "[data-copy], [data-copy-text]", (element) => {
  const of = element.dataset.copy && document.querySelector(element.dataset.copy);
  copyText(of ? (of.textContent ?? "") : (element.dataset.copyText ?? ""));
});
