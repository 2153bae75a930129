/**
 * Marks {{variables}} while one types: the marks lie behind the text area, which draws the text itself, so that
 * the caret, input methods, selection and spelling are the browser's own. The layer behind also gives the height.
 */

import { behaviour } from "../../ui/js/behaviour.js";
import { placeholders } from "./placeholders.js";

behaviour("[data-highlighted]", (field) => {
  const text = /** @type {HTMLTextAreaElement} */ (field.querySelector("textarea"));
  const layer = /** @type {HTMLElement} */ (field.querySelector(".highlights"));
  const show = () => layer.replaceChildren(...pieces(text.value), "\u200b");
  text.addEventListener("input", show);
  show();
});

/** @param {string} text */
function pieces(text) {
  /** @type {(string | HTMLElement)[]} */
  const found = [];
  let end = 0;
  for (const place of placeholders(text)) {
    const mark = document.createElement("mark");
    mark.textContent = text.slice(place.start, place.end);
    found.push(text.slice(end, place.start), mark);
    end = place.end;
  }
  return [...found, text.slice(end)];
}
