/** Run histories: shown below a row, opened line by line, replayed, and kept current. */

import { behaviour, on } from "../../ui/js/behaviour.js";
import "../../ui/js/filters.js";
import { fragment, send, showError } from "../../ui/js/http.js";
import { hear } from "../../ui/js/live.js";
import { toast } from "../../ui/js/toast.js";

const CALM_MS = 300;

on("click", "[data-history-toggle]", (button) => {
  const row = /** @type {HTMLElement} */ (button.closest("tr"));
  const isOpen = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!isOpen));
  if (isOpen) row.nextElementSibling?.remove();
  else showBelow(row, button.dataset.historyToggle ?? "").catch(showError);
});

/** @param {HTMLElement} row @param {string} path */
async function showBelow(row, path) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("history-row"));
  row.after(template.content.cloneNode(true));
  const place = row.nextElementSibling;
  const part = await fragment(path);
  place?.querySelector(".history")?.replaceWith(part);
  if (place) globalThis.htmx.process(place);
}

// A details' toggle does not bubble: it is caught on its way down.
document.addEventListener("toggle", (event) => {
  const entry = /** @type {HTMLDetailsElement} */ (event.target);
  if (entry.matches?.(".history-entry") && entry.open) showExchange(entry).catch(showError);
}, true);

/** Fetch what was asked and answered, again when it has gone on. @param {HTMLDetailsElement} entry */
async function showExchange(entry) {
  const shown = entry.querySelector(".exchange");
  const part = await fragment(entry.dataset.body ?? "");
  const fresh = part.firstElementChild;
  if (!fresh) return;
  if (shown) globalThis.Idiomorph.morph(shown, fresh);
  else entry.querySelector("summary")?.after(fresh);
}

on("click", "[data-replay]", async (button) => {
  const { replay, runPath } = button.dataset;
  button.setAttribute("aria-busy", "true");
  toast("Running again", { kind: "info", action: "Open run", undo: () => location.assign(runPath ?? "") });
  try {
    await send("POST", replay ?? "", {});
  } catch (error) {
    showError(error);
  }
  button.removeAttribute("aria-busy");
});

let timer = 0;
function refreshSoon() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    for (const history of document.querySelectorAll("[data-history]")) {
      refresh(/** @type {HTMLElement} */ (history)).catch(showError);
    }
  }, CALM_MS);
}

let isListening = false;
behaviour("[data-history]", () => {
  if (isListening) return;
  isListening = true;
  hear("run.changed", refreshSoon);
  hear("runs.changed", refreshSoon);
});

/** Put new lines on top and bring known ones up to date; what is open stays open. @param {HTMLElement} history */
async function refresh(history) {
  const part = await fragment(history.dataset.history ?? "");
  const badge = part.querySelector(".history-header .badge");
  if (badge) history.querySelector(".history-header .badge")?.replaceWith(badge);
  const entries = /** @type {HTMLElement} */ (history.querySelector(".history-entries"));
  const fresh = /** @type {HTMLDetailsElement[]} */ ([...part.querySelectorAll(".history-entry")]);
  if (fresh.length) entries.querySelector(".history-empty")?.remove();
  let before = /** @type {Element | null} */ (null);
  for (const entry of fresh) {
    const known = /** @type {HTMLDetailsElement | null} */ (entries.querySelector(`#${entry.id}`));
    if (known) update(known, entry);
    else if (before) before.after(entry);
    else entries.prepend(entry);
    before = known ?? entry;
  }
}

/** @param {HTMLDetailsElement} known @param {HTMLDetailsElement} fresh */
function update(known, fresh) {
  const [was, is] = [known.querySelector("summary"), fresh.querySelector("summary")];
  if (!was || !is || was.innerHTML === is.innerHTML) return;
  globalThis.Idiomorph.morph(was, is);
  if (known.open) showExchange(known).catch(showError);
}
