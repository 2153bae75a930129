/** Which run the page shows. A new run has no id until its first message has been taken. */

import { fragment, showError } from "../../ui/js/http.js";

/** @type {any} */
const { Idiomorph } = globalThis;

export const root = /** @type {HTMLElement} */ (document.querySelector("[data-runner]"));

export const page = {
  user: document.body.dataset.user ?? "",
  get run() {
    return root.dataset.run ?? "";
  },
  get prompt() {
    return root.dataset.prompt ?? "";
  },
  get promptVersion() {
    return Number(root.dataset.promptVersion) || null;
  },
  /** What unsent text belongs to: the run, or else what a new one begins with. */
  get scope() {
    return this.run || (this.prompt ? `prompt:${this.prompt}` : "chat");
  },
  /** @param {string} part */
  part(part) {
    return `/ai/runs/${this.run}/${part}`;
  },
};

/** @param {string} id @returns {HTMLElement} a fresh copy of a template's element */
export function clone(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/** Make the page that of a run which has just begun, without loading another. @param {string} run */
export async function begin(run) {
  if (page.run) return;
  root.dataset.run = run;
  const path = page.prompt ? `/ai/prompts/run/${page.prompt}/${run}` : `/ai/chat/${run}`;
  history.replaceState(history.state, "", path);
  root.querySelector("[data-start]")?.remove();
  root.dispatchEvent(new CustomEvent("run-begun", { detail: run }));
  await refreshFrame();
}

/** Fetch the header and the inspector again. What one is typing there stays, and what is not saved yet. */
export async function refreshFrame() {
  if (!page.run) return;
  try {
    const part = await fragment(page.part("frame"));
    const deleted = part.querySelector("[data-deleted]");
    if (deleted) return void root.replaceChildren(deleted);
    if (!root.hasAttribute("data-unsaved")) put(part.querySelector("[data-header]"), root.querySelector("[data-header]"));
    put(part.querySelector("[data-inspector]"), root.querySelector("[data-inspector]"));
    title();
  } catch (error) {
    showError(error);
  }
}

/** @param {Element | null} next @param {Element | null} now */
function put(next, now) {
  if (!next) return;
  if (now) Idiomorph.morph(now, next, { ignoreActiveValue: true, callbacks: { beforeAttributeUpdated: isOurs } });
  else root.querySelector("[data-split]")?.append(next);
}

/** Where an open menu stands is not for the server to say. @param {string} attribute @param {Element} element */
const isOurs = (attribute, element) => !(attribute === "style" && element.hasAttribute("popover"));

function title() {
  const header = /** @type {HTMLElement | null} */ (root.querySelector("[data-header]"));
  if (header?.dataset.name) document.title = `${header.dataset.name} · AI Runs`;
}
