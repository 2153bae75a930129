/** A table of runs: searched as one types, selected, changed in bulk, kept true while runs change. */

import { behaviour } from "../../ui/js/behaviour.js";
import { shortcut } from "../../ui/js/keys.js";
import { openMenu } from "./run_menu.js";
import { pullDown, swipeLeft } from "./swipe.js";
import { reload } from "./table_live.js";
import { settleSelection } from "./table_select.js";

const EDGE_PX = 8;

const runs = () => /** @type {HTMLElement | null} */ (document.querySelector("[data-runs]"));

/** Say around the table what it shows now. */
function settle() {
  const shown = runs();
  if (!shown) return;
  const title = document.querySelector("[data-runs-title]");
  if (title) title.textContent = shown.dataset.title ?? "";
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.getAttribute("href") === shown.dataset.address) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  sayShown();
  settleSelection();
}

function sayShown() {
  const total = document.querySelector("[data-total-runs]")?.textContent;
  const rows = document.querySelectorAll("#runs-rows [data-run-item]").length.toLocaleString("en");
  for (const place of document.querySelectorAll("[data-shown]")) place.textContent = total ? `${rows} of ${total}` : `${rows} shown`;
}

document.addEventListener("htmx:afterSettle", (event) => {
  settle();
  const changed = /** @type {Element} */ (event.target).id === "runs";
  if (changed) for (const part of document.querySelectorAll("#run-totals")) globalThis.htmx.trigger(part, "runs:changed");
});

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
  label: "Filter", group: "Lists of runs", menu: false,
  run: () => /** @type {HTMLElement | null} */ (document.querySelector("[data-filter-open]"))?.click(),
});

behaviour("[data-runs]", (table) => swipeLeft(table, "[data-run-item]", { ended: () => {}, held: openMenu }));
behaviour("[data-pull-to-refresh]", (list) => pullDown(list, reload));
settle();
