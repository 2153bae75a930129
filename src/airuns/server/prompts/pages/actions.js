/** What is done with a prompt from its menu: duplicate, delete with undo, restore, delete for good. */

import { behaviour, on } from "../../ui/js/behaviour.js";
import { confirmed } from "../../ui/js/confirm.js";
import { send, showError } from "../../ui/js/http.js";
import { toast } from "../../ui/js/toast.js";

const GONE = "airuns:deleted-prompt";

/** @typedef {{id: string, name: string, place: HTMLElement}} Prompt */

/** @param {HTMLElement} element @returns {Prompt} the prompt that an element belongs to */
function promptOf(element) {
  const place = /** @type {HTMLElement} */ (element.closest("[data-prompt]"));
  return { id: place.dataset.prompt ?? "", name: place.dataset.name ?? "", place };
}

/** @param {string} selector @param {(prompt: Prompt) => Promise<void>} act */
function action(selector, act) {
  on("click", selector, (element) => {
    element.closest("[popover]")?.hidePopover();
    act(promptOf(element)).catch(showError);
  });
}

/** @param {number} count @param {string} noun */
const some = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** @param {{runs: number, messages: number, tasks: number}} went */
function whatGoes({ runs, messages, tasks }) {
  if (!runs) return "It has no runs.";
  const they = runs === 1 ? "goes" : "go";
  return `${some(runs, "run")} with ${some(messages, "message")} and ${some(tasks, "request")} ${they} with it.`;
}

/** Show the table anew, as a search does. */
function refresh() {
  const view = document.querySelector("[data-prompts]");
  if (!view) return location.assign("/ai/prompts");
  globalThis.htmx.ajax("GET", location.pathname + location.search, { target: "#prompts", swap: "morph:outerHTML" });
}

/** @param {string} id @param {string} name */
async function restore(id, name) {
  await send("POST", `/api/prompts/${id}/restore`);
  toast(`“${name}” is back`);
  refresh();
}

/** @param {string} id @param {string} name */
function sayDeleted(id, name) {
  toast(`“${name}” deleted`, { undo: () => restore(id, name).catch(showError) });
}

action("[data-duplicate]", async ({ id }) => {
  const copy = await send("POST", `/api/prompts/${id}/duplicate`);
  location.assign(`/ai/prompts/${copy.id}/edit`);
});

action("[data-delete]", async ({ id, name }) => {
  const goes = whatGoes(await send("GET", `/api/prompts/${id}/deletion`));
  const text = `${goes} You can undo this until it is deleted for good.`;
  if (!(await confirmed({ title: `Delete “${name}”?`, text, verb: "Delete" }))) return;
  await send("DELETE", `/api/prompts/${id}`);
  document.dispatchEvent(new CustomEvent("prompt:deleted"));
  if (document.querySelector("[data-prompts]")) {
    sayDeleted(id, name);
    return refresh();
  }
  sessionStorage.setItem(GONE, JSON.stringify([id, name]));
  location.assign("/ai/prompts");
});

action("[data-restore]", ({ id, name }) => restore(id, name));

action("[data-purge]", async ({ id, name }) => {
  const text = "The prompt, its versions and all of its runs are removed. This cannot be undone.";
  if (!(await confirmed({ title: `Delete “${name}” for good?`, text, verb: "Delete for good" }))) return;
  await send("DELETE", `/api/prompts/${id}?purge=true`);
  toast(`“${name}” is gone for good`);
  refresh();
});

behaviour("[data-prompts]", () => {
  const gone = sessionStorage.getItem(GONE);
  sessionStorage.removeItem(GONE);
  if (gone) sayDeleted(...JSON.parse(gone));
});
