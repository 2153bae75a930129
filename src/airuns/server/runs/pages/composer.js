/** Where one writes: what is unsent is kept over reloads, and the buttons say what can be done. */

import { on } from "../../ui/js/behaviour.js";
import { attachments, clearAttachments, restoreAttachments } from "./attachments.js";
import { stopAnswers } from "./actions.js";
import { page, root } from "./page.js";
import { submit } from "./send.js";
import { settingsToSend, settings, restoreSettings } from "./settings.js";
import { fillVariables, missing, showVariableProblem, values } from "./variables.js";
import { estimate } from "./estimate.js";

const composer = /** @type {HTMLFormElement | null} */ (root.querySelector("[data-composer]"));
const text = /** @type {HTMLTextAreaElement} */ (composer?.querySelector("[data-message-text]"));
const sendButton = /** @type {HTMLButtonElement} */ (composer?.querySelector("[data-send-message]"));
const stopButton = /** @type {HTMLButtonElement} */ (composer?.querySelector("[data-stop]"));
const isTouch = matchMedia("(pointer: coarse)");

const draftKey = () => `airuns:draft:${page.user}:${page.scope}`;

const isStreaming = () => Boolean(root.querySelector("li[data-streaming]"));
const isUploading = () => attachments().some((file) => file.busy);
const needsMessage = () => page.run !== "" || composer?.dataset.needsMessage === "yes";
const isEmpty = () => !text.value.trim() && !attachments().some((file) => file.id);

function update() {
  if (!composer) return;
  const streaming = isStreaming();
  sendButton.hidden = streaming;
  stopButton.hidden = !streaming;
  sendButton.disabled = isUploading() || root.hasAttribute("data-sending") || (isEmpty() && needsMessage());
  estimate(composer, text.value);
}

function saveDraft() {
  const draft = { text: text.value, values: values(), files: attachments().filter((file) => file.id), ...settings() };
  const plain = !draft.text && !draft.files.length && !draft.changed && !Object.keys(draft.values).length;
  if (plain) localStorage.removeItem(draftKey());
  else localStorage.setItem(draftKey(), JSON.stringify(draft));
}

function restoreDraft() {
  const draft = JSON.parse(localStorage.getItem(draftKey()) ?? "null");
  if (!draft) return;
  text.value = draft.text ?? "";
  fillVariables(draft.values ?? {});
  restoreAttachments(draft.files ?? []);
  restoreSettings(draft);
}

function changed() {
  say("");
  saveDraft();
  update();
}

/** @param {string} problem */
function say(problem) {
  const line = /** @type {HTMLElement} */ (composer?.querySelector("[data-problem]"));
  line.hidden = !problem;
  /** @type {HTMLElement} */ (line.querySelector("span")).textContent = problem;
}

function send() {
  if (sendButton.hidden || sendButton.disabled || !composer) return;
  if (!page.run && missing()) return;
  const files = attachments().filter((file) => file.id);
  const more = { ...settingsToSend(), ...(page.run ? {} : beginning()) };
  const words = text.value.trim();
  text.value = "";
  clearAttachments();
  localStorage.removeItem(draftKey());
  say("");
  submit({ text: words, content: content(words, files), files, more });
  update();
  text.focus();
}

/** @param {string} words @param {{id?: string}[]} files */
function content(words, files) {
  if (!files.length) return words || null;
  const parts = files.map((file) => ({ type: "attachment", attachment_id: file.id }));
  return words ? [{ type: "text", text: words }, ...parts] : parts;
}

function beginning() {
  if (!page.prompt) return {};
  return { prompt_id: page.prompt, prompt_version: page.promptVersion, variables: values() };
}

root.addEventListener("sent-refused", (event) => {
  const { sent, error } = /** @type {CustomEvent} */ (event).detail;
  if (!text.value) text.value = sent.text;
  if (!attachments().length) restoreAttachments(sent.files);
  const [first] = error.errors;
  const variable = first?.field.startsWith("variables.") && first.field.slice("variables.".length);
  if (!variable || !showVariableProblem(variable, first.message)) say(error.message);
  saveDraft();
  update();
});

text?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  if (isTouch.matches && !event.metaKey && !event.ctrlKey) return;
  event.preventDefault();
  send();
});

composer?.addEventListener("submit", (event) => event.preventDefault());
on("click", "[data-send-message]", send);
on("click", "[data-stop], [data-act=stop]", () => {
  stopAnswers();
  text.focus();
});
root.addEventListener("run-begun", () => {
  text.placeholder = "Reply";
  update();
});
for (const event of ["attachments-changed", "settings-changed"]) root.addEventListener(event, changed);
for (const event of ["thread-changed", "sent-off"]) root.addEventListener(event, update);
for (const event of ["input", "change"]) {
  root.addEventListener(event, ({ target }) => {
    if (/** @type {Element} */ (target).closest("[data-composer], [data-variables]")) changed();
  });
}

export function startComposer() {
  if (!composer) return;
  restoreDraft();
  update();
  if (!isTouch.matches && !root.querySelector("[data-variables] [data-variable]")) text.focus({ preventScroll: true });
}
