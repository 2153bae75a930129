/** Editors of filters: where they open, and their key. */

import { behaviour } from "./behaviour.js";
import { shortcut } from "./keys.js";

const EDGE_PX = 8;

/** It opens below what asked for it, a chip at its own field. */
behaviour("[data-filter-editor]", (editor) => {
  editor.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    const opens = `[popovertarget="${CSS.escape(editor.id)}"]`;
    const chip = /** @type {HTMLElement | null | undefined} */ (document.activeElement?.closest(`${opens}[data-edit]`));
    const from = chip ?? document.querySelector(`${opens}[data-filter-open]`);
    const box = /** @type {Element} */ (from).getBoundingClientRect();
    editor.style.left = `${Math.max(EDGE_PX, Math.min(box.left, innerWidth - editor.offsetWidth - EDGE_PX))}px`;
    editor.style.top = `${Math.max(EDGE_PX, Math.min(box.bottom, innerHeight - editor.offsetHeight - EDGE_PX))}px`;
    if (chip) /** @type {HTMLElement | null} */ (editor.querySelector(`[name="${chip.dataset.edit}"]`))?.focus();
  });
});

shortcut("f", {
  label: "Filter", group: "Lists", menu: false,
  when: () => Boolean(document.querySelector("[data-filter-open]")),
  run: () => /** @type {HTMLElement | null} */ (document.querySelector("[data-filter-open]"))?.click(),
});
