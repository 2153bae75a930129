/** The header and the inspector of a run: its name, star and tags, and what can be done with the whole of it. */

import { on } from "../../ui/js/behaviour.js";
import { confirmed } from "../../ui/js/confirm.js";
import { Offline, send, showError } from "../../ui/js/http.js";
import { showDetails } from "./details.js";
import { chooseExport, copyRun } from "./export.js";
import { page, refreshFrame, root } from "./page.js";
import { change, forGood, purge } from "./run_actions.js";
import { fork } from "./turns.js";

const TRY_AGAIN_S = 4;
const GLYPHS = { saved: "saved", saving: "spinner", failed: "error" };

/** @param {keyof typeof GLYPHS} state @param {string} words */
function saved(state, words) {
  const place = root.querySelector("[data-saved]");
  const word = place?.querySelector("[data-saved-word]");
  if (!place || !word) return;
  place.classList.toggle("failed", state === "failed");
  place.querySelector(".icon")?.classList.toggle("spin", state === "saving");
  const use = place.querySelector("use");
  use?.setAttribute("href", (use.getAttribute("href") ?? "").replace(/#.*/, `#${GLYPHS[state]}`));
  word.textContent = words;
}

/** Save a change of the run; while the server is away, again and again. @param {object} values */
async function save(values) {
  root.toggleAttribute("data-unsaved", true);
  saved("saving", "Saving");
  try {
    await send("PATCH", `/api/runs/${page.run}`, values);
    root.toggleAttribute("data-unsaved", false);
    saved("saved", "Saved");
  } catch (error) {
    if (!(error instanceof Offline)) {
      root.toggleAttribute("data-unsaved", false);
      saved("failed", "Not saved");
      showError(error);
      return refreshFrame();
    }
    saved("failed", `Not saved, trying again in ${TRY_AGAIN_S} s`);
    setTimeout(() => save(values), TRY_AGAIN_S * 1000);
  }
  return undefined;
}

/** @param {HTMLInputElement} input */
async function rename(input) {
  const name = input.value.trim();
  const header = /** @type {HTMLElement} */ (input.closest("[data-header]"));
  if (!name || name === header.dataset.name) {
    input.value = header.dataset.name ?? "";
    return;
  }
  header.dataset.name = name;
  document.title = `${name} · AI Runs`;
  await save({ name });
}

on("focusout", "[data-rename]", (input) => void rename(/** @type {HTMLInputElement} */ (input)));
on("keydown", "[data-rename]", (element, event) => {
  const input = /** @type {HTMLInputElement} */ (element);
  const { key } = /** @type {KeyboardEvent} */ (event);
  if (key === "Escape") input.value = /** @type {HTMLElement} */ (input.closest("[data-header]")).dataset.name ?? "";
  if (key === "Enter" || key === "Escape") input.blur();
});

on("click", "[data-star]", (button) => {
  const starred = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(starred));
  save({ is_starred: starred });
});

const tags = () => [...root.querySelectorAll("[data-untag]")].map((one) => one.getAttribute("data-untag") ?? "");

on("submit", "[data-tag-form]", async (form, event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (form.querySelector("input"));
  const tag = input.value.trim();
  if (!tag) return;
  input.value = "";
  if (!tags().includes(tag)) await save({ tags: [...tags(), tag] });
  await refreshFrame();
});
on("click", "[data-untag]", async (button) => {
  await save({ tags: tags().filter((tag) => tag !== button.dataset.untag) });
  await refreshFrame();
});

const ids = () => ({ ids: [page.run] });
const name = () => /** @type {HTMLElement | null} */ (root.querySelector("[data-header]"))?.dataset.name ?? "";

/** @type {Record<string, () => unknown>} */
const ACTS = {
  rename: () => /** @type {HTMLInputElement | null} */ (root.querySelector("[data-rename]"))?.select(),
  details: () => showDetails(),
  fork: () => fork(null),
  "copy-markdown": () => copyRun(page.run, "markdown"),
  "copy-text": () => copyRun(page.run, "text"),
  download: () => chooseExport({ run: page.run }),
  archive: () => change("archive", ids()),
  unarchive: () => change("unarchive", ids()),
  restore: async () => {
    await change("restore", ids(), { quiet: true });
    location.reload();
  },
  purge: async () => {
    if (!(await forGood(1))) return;
    await purge([page.run]);
    location.assign("/ai/runs?view=deleted");
  },
  delete: async () => {
    const question = { title: `Delete “${name()}”?`, text: "Its messages go with it. You can undo this.", verb: "Delete run" };
    if (await confirmed(question)) await change("delete", ids());
  },
};

on("click", "[data-do]", (button) => {
  const act = ACTS[button.dataset.do ?? ""];
  if (!act) return;
  /** @type {HTMLElement | null} */ (button.closest("[popover]:popover-open"))?.hidePopover();
  Promise.resolve(act()).catch(showError);
});
