/** The editor of a page's filters: where it opens, and its key. */

import { behaviour } from "./behaviour.js";
import { shortcut } from "./keys.js";

const EDGE_PX = 8;

/** The editor of filters opens below what asked for it, a chip at its own field. */
behaviour("#filter-editor", (editor) => {
  editor.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    const chip = /** @type {HTMLElement | null | undefined} */ (document.activeElement?.closest("[data-edit]"));
    const from = chip ?? document.querySelector("[data-filter-open]");
    const box = /** @type {Element} */ (from).getBoundingClientRect();
    editor.style.left = `${Math.max(EDGE_PX, Math.min(box.left, innerWidth - editor.offsetWidth - EDGE_PX))}px`;
    editor.style.top = `${Math.max(EDGE_PX, Math.min(box.bottom, innerHeight - editor.offsetHeight - EDGE_PX))}px`;
    if (chip) document.getElementById(`filter-${chip.dataset.edit}`)?.focus();
  });
});

shortcut("f", {
  label: "Filter", group: "Lists", menu: false,
  run: () => /** @type {HTMLElement | null} */ (document.querySelector("[data-filter-open]"))?.click(),
});
