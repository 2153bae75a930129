/** What can be done with runs, one or many; each can be undone but for good-byes that say so. */

import { confirmed } from "../../ui/js/confirm.js";
import { send, showError } from "../../ui/js/http.js";
import { toast } from "../../ui/js/toast.js";
import { runsChanged } from "./run_news.js";

/** @typedef {{ids: string[]} | {filter: object}} Which */
/** @typedef {{id: string, name: string, messages: number, starred: boolean, archived: boolean, deleted: boolean, element: HTMLElement}} Item */

const PAST = {
  star: "starred", unstar: "no longer starred", archive: "archived", unarchive: "back from the archive",
  delete: "deleted", restore: "restored", tag: "tagged", untag: "untagged",
};

/** @param {number} count @param {string} noun */
export const some = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** @param {Element | null} element @returns {Item | null} the run that an element belongs to */
export function itemOf(element) {
  const item = element?.closest("[data-run-item]");
  if (!(item instanceof HTMLElement)) return null;
  const { runItem = "", name = "", messages, starred, archived, deleted } = item.dataset;
  return {
    id: runItem, name, messages: Number(messages), element: item,
    starred: starred === "true", archived: archived === "true", deleted: deleted === "true",
  };
}

/**
 * Change runs, and say so with an undo.
 * @param {keyof typeof PAST} action @param {Which} which @param {{tag?: string, quiet?: boolean}} [options]
 */
export async function change(action, which, { tag, quiet } = {}) {
  const made = await send("POST", "/api/runs/changes", { action, ...which, ...(tag ? { tag } : {}) });
  const changed = "ids" in which ? which.ids : null;
  runsChanged(changed);
  if (!quiet) toast(`${some(made.count, "run")} ${PAST[action]}`, { undo: () => undo(made.id, changed) });
  return made;
}

/** @param {string} id @param {string[] | null} changed */
async function undo(id, changed) {
  try {
    await send("POST", `/api/runs/changes/${id}/undo`);
    runsChanged(changed);
  } catch (error) {
    showError(error);
  }
}

/** @param {Item} item */
export async function star(item) {
  showStar(item.element, !item.starred);
  try {
    await change(item.starred ? "unstar" : "star", { ids: [item.id] }, { quiet: true });
  } catch (error) {
    showStar(item.element, item.starred);
    throw error;
  }
}

/** @param {HTMLElement} element @param {boolean} starred */
function showStar(element, starred) {
  element.dataset.starred = String(starred);
  element.querySelector("[data-run-star]")?.setAttribute("aria-pressed", String(starred));
}

/** @param {Item} item */
export const archive = (item) => change(item.archived ? "unarchive" : "archive", { ids: [item.id] });

/** @param {Item} item */
export const restore = (item) => change("restore", { ids: [item.id] });

/** Delete a run once that is confirmed; a deleted one for good. @param {Item} item */
export async function remove(item) {
  const messages = some(item.messages, "message");
  const goes = item.messages === 1 ? "goes" : "go";
  const question = item.deleted
    ? { title: `Delete “${item.name}” for good?`, text: `Its ${messages} ${goes} with it. This cannot be undone.`, verb: "Delete for good" }
    : { title: `Delete “${item.name}”?`, text: `Its ${messages} ${goes} with it. You can undo this, and find it under Deleted.`, verb: "Delete run" };
  if (!(await confirmed(question))) return;
  if (item.deleted) await purge([item.id]);
  else await change("delete", { ids: [item.id] });
}

/** @param {string[]} ids */
export async function purge(ids) {
  for (const id of ids) await send("DELETE", `/api/runs/${id}?purge=true`);
  runsChanged(ids);
  toast(`${some(ids.length, "run")} deleted for good`);
}

/** Delete all deleted runs that a filter matches for good, in the background. @param {object} filter @param {number} count */
export async function emptyTrash(filter, count) {
  await send("POST", "/api/trash/empty", { filter });
  const show = () => location.assign("/settings/retention#trash");
  toast(`${some(count, "run")} ${count === 1 ? "is" : "are"} being deleted for good`, { kind: "info", action: "Show", undo: show });
}

/** Ask before runs are deleted for good. @param {number} count */
export const forGood = (count) =>
  confirmed({ title: `Delete ${some(count, "run")} for good?`, text: `All ${count === 1 ? "its" : "their"} messages, requests and files go with ${count === 1 ? "it" : "them"}. This cannot be undone.`, verb: "Delete for good" });

/** Let the name be typed where it stands: Enter or leaving saves, Escape restores. @param {Item} item */
export function rename(item) {
  const name = /** @type {HTMLElement} */ (item.element.querySelector("[data-run-name]"));
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("rename-template"));
  const input = /** @type {HTMLInputElement} */ (template.content.firstElementChild?.cloneNode(true));
  input.value = item.name;
  item.element.classList.add("is-renaming");
  name.after(input);
  input.select();
  input.focus();
  let ended = false;
  const end = (/** @type {boolean} */ saved) => {
    if (ended) return;
    ended = true;
    const focused = document.activeElement === input;
    const typed = input.value.trim();
    item.element.classList.remove("is-renaming");
    input.remove();
    if (focused) name.focus();
    if (saved && typed && typed !== item.name) save(item, name, typed).catch(showError);
  };
  input.addEventListener("blur", () => end(true));
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") end(true);
    if (event.key === "Escape") {
      event.preventDefault();
      end(false);
    }
  });
}

/** @param {Item} item @param {HTMLElement} name @param {string} typed */
async function save(item, name, typed) {
  const shown = name.querySelector("bdi");
  if (shown) shown.textContent = typed;
  item.element.dataset.name = typed;
  try {
    await send("PATCH", `/api/runs/${item.id}`, { name: typed });
    runsChanged([item.id]);
  } catch (error) {
    if (shown) shown.textContent = item.name;
    item.element.dataset.name = item.name;
    throw error;
  }
}
