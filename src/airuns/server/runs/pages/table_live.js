/** Rows change where they stand; runs that are not shown yet are announced, and move nothing. */

import { on } from "../../ui/js/behaviour.js";
import { fragment, showError } from "../../ui/js/http.js";
import { some } from "./run_actions.js";
import { whenRunsChange } from "./run_news.js";

const PAGE = 50;
const LARGEST = 200;

/** @type {Set<string>} runs that are not shown, and would be first */
const newer = new Set();
/** @type {Set<string>} runs that were shown and went: when they come back, they come back at once */
const gone = new Set();

const table = () => /** @type {HTMLElement} */ (document.querySelector("[data-runs]"));
const rows = () => /** @type {HTMLElement[]} */ ([...table().querySelectorAll("[data-run-item]")]);
const idOf = (/** @type {Element} */ row) => /** @type {HTMLElement} */ (row).dataset.runItem ?? "";

/** @param {string[]} ids @returns {string} the address of some rows of what is shown */
function address(ids) {
  const form = /** @type {HTMLFormElement} */ (document.getElementById("runs-filter"));
  const isGrouped = table().querySelector(".grouped") !== null; // a search there may have matched the prompt alone
  const values = new URLSearchParams(isGrouped ? "" : new URL(table().dataset.address ?? "", location.href).search);
  const prompt = /** @type {HTMLInputElement | null} */ (form.elements.namedItem("prompt_id"));
  if (prompt) values.set("prompt_id", prompt.value);
  for (const id of ids) values.append("ids", id);
  return `/ai/runs/rows?${values}`;
}

/** Show the table anew, as far as it is loaded. */
export async function reload() {
  const url = new URL(table().dataset.address ?? "", location.href);
  url.searchParams.set("limit", String(Math.min(LARGEST, Math.max(PAGE, rows().length))));
  const found = await fragment(url.pathname + url.search);
  const fresh = found.getElementById("runs");
  if (fresh) globalThis.Idiomorph.morph(table(), fresh);
  globalThis.htmx.process(table());
  newer.clear();
  gone.clear();
  announce();
  sums();
}

/** @param {string[]} ids */
async function update(ids) {
  if (!rows().length || ids.some((id) => gone.has(id))) return reload();
  const found = await fragment(address(ids));
  for (const id of ids) put(id, document.getElementById(`run-${id}`), found.getElementById(`run-${id}`));
  announce();
  sums();
  if (!rows().length) await reload();
}

/** @param {string} id @param {HTMLElement | null} old @param {HTMLElement | null} fresh */
function put(id, old, fresh) {
  if (old?.classList.contains("is-renaming")) return;
  if (old && fresh) {
    const checked = old.querySelector("[data-select]")?.checked;
    globalThis.Idiomorph.morph(old, fresh);
    const box = old.querySelector("[data-select]");
    if (box) box.checked = checked;
  } else if (old) {
    gone.add(id);
    old.remove();
  } else if (fresh && table().dataset.sort === "recent") newer.add(id);
  if (!fresh) newer.delete(id);
}

/** Look at everything: many runs have changed, or the connection was lost for a while. */
async function compare() {
  const first = await fragment(table().dataset.address ?? "");
  const shown = rows().map(idOf);
  if (!shown.length) return reload();
  const there = [...first.querySelectorAll("[data-run-item]")].map(idOf);
  await update([...new Set([...there.slice(0, PAGE), ...shown])].slice(0, LARGEST));
}

function announce() {
  const place = /** @type {HTMLElement} */ (document.querySelector("[data-newer]"));
  const text = place.querySelector("[data-newer-text]");
  place.hidden = newer.size === 0;
  if (text) text.textContent = some(newer.size, "new run");
}

function sums() {
  for (const part of document.querySelectorAll("#run-totals, [data-run-views]")) globalThis.htmx.trigger(part, "runs:changed");
  document.dispatchEvent(new Event("runs:settled"));
}

on("click", "[data-newer-show]", () => {
  document.querySelector(".sheet-scroll")?.scrollTo({ top: 0 });
  reload().catch(showError);
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (/** @type {Element} */ (event.target).id !== "runs") return;
  newer.clear();
  gone.clear();
  announce();
});

whenRunsChange((ids) => (ids && ids.length <= PAGE ? update(ids) : compare()).catch(showError));
