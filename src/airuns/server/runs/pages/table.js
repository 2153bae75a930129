/** A table of runs: searched as one types, selected, changed in bulk, kept true while runs change. */

import { behaviour } from "../../ui/js/behaviour.js";
import "../../ui/js/filters.js";
import { openMenu } from "./run_menu.js";
import { pullDown, swipeLeft } from "./swipe.js";
import { reload } from "./table_live.js";
import { settleSelection } from "./table_select.js";

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

behaviour("[data-runs]", (table) => swipeLeft(table, "[data-run-item]", { ended: () => {}, held: openMenu }));
behaviour("[data-pull-to-refresh]", (list) => pullDown(list, reload));
settle();
