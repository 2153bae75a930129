/** A table of runs: searched as one types, selected, changed in bulk, kept true while runs change. */

import { behaviour } from "../../ui/js/behaviour.js";
import "../../ui/js/filters.js";
import { openMenu } from "./run_menu.js";
import { pullDown, swipeLeft } from "./swipe.js";
import { reload } from "./table_live.js";
import { settleSelection } from "./table_select.js";
import "./table_whole.js";

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

/** What one types may end in the middle of a word; what stands around a search goes by its address. */
document.addEventListener("htmx:configRequest", (event) => {
  const { elt, triggeringEvent, parameters } = /** @type {CustomEvent} */ (event).detail;
  const isSearch = elt.id === "runs-filter";
  if (!isSearch && elt.id !== "run-totals") return;
  const wasTyped = new URL(runs()?.dataset.address ?? "", location.href).searchParams.has("typing");
  const isTyped = isSearch && triggeringEvent ? triggeringEvent.type === "input" || (wasTyped && triggeringEvent.type === "change") : wasTyped;
  if (isTyped) parameters.typing = "true";
});

behaviour("[data-runs]", (table) => swipeLeft(table, "[data-run-item]", { ended: () => {}, held: openMenu }));
behaviour("[data-pull-to-refresh]", (list) => pullDown(list, reload));
settle();
