/** The model and its settings for the next answer. What is taken out is sent as null, which unsets it. */

import { on } from "../../ui/js/behaviour.js";
import { clearProblem, showProblem } from "../../ui/js/form.js";
import { root } from "./page.js";

const dialog = /** @type {HTMLDialogElement | null} */ (document.querySelector("[data-settings-dialog]"));
/** @type {Record<string, any>} */
const given = JSON.parse(dialog?.querySelector("[data-settings-now]")?.textContent ?? "{}");
delete given.model;
/** @type {Record<string, any>} */
let now = { ...given };
const RULES = {
  temperature: { fits: (/** @type {number} */ n) => n >= 0 && n <= 2, said: "Give a number from 0 to 2, such as 0.7." },
  max_tokens: { fits: (/** @type {number} */ n) => Number.isInteger(n) && n > 0, said: "Give a whole number, such as 2000." },
};

const model = () => /** @type {HTMLInputElement | null} */ (root.querySelector("[data-composer] [name=model]"));
const firstModel = model()?.value ?? "";
const fields = () => /** @type {HTMLInputElement[]} */ ([...(dialog?.querySelectorAll("[data-setting]") ?? [])]);
const more = () => /** @type {HTMLTextAreaElement} */ (dialog?.querySelector("[data-settings-more]"));

/** @returns what a draft keeps */
export function settings() {
  const changed = model()?.value !== firstModel || JSON.stringify(now) !== JSON.stringify(given);
  return { changed, model: model()?.value ?? "", settings: now };
}

/** @param {{changed?: boolean, model?: string, settings?: Record<string, any>}} draft */
export function restoreSettings(draft) {
  if (!draft.changed) return;
  now = draft.settings ?? now;
  const input = model();
  if (!input || !draft.model || draft.model === input.value) return;
  input.value = draft.model;
  const name = input.parentElement?.querySelector("[data-model-name]");
  if (name) name.textContent = draft.model.slice(draft.model.indexOf("/") + 1);
  for (const fact of ["inputPrice", "outputPrice", "contextSize"]) input.dataset[fact] = "";
}

/** @returns the part of a submission that says which model, and how */
export function settingsToSend() {
  const gone = Object.fromEntries(Object.keys(given).filter((name) => !(name in now)).map((name) => [name, null]));
  const chosen = model()?.value;
  return { settings: { ...now, ...gone }, ...(chosen ? { model: chosen } : {}) };
}

function fill() {
  const { ...rest } = now;
  for (const field of fields()) {
    const name = field.dataset.setting ?? "";
    field.value = rest[name] ?? "";
    delete rest[name];
    clearProblem(field);
  }
  clearProblem(more());
  more().value = Object.keys(rest).length ? JSON.stringify(rest, null, 2) : "";
}

/** @returns {Record<string, any> | null} what the dialog says, or null when a field cannot be used */
function read() {
  /** @type {Record<string, any>} */
  const values = {};
  for (const field of fields()) {
    const name = /** @type {keyof RULES} */ (field.dataset.setting);
    if (!field.value.trim()) continue;
    values[name] = Number(field.value);
    if (!RULES[name].fits(values[name])) return refuse(field, RULES[name].said);
  }
  try {
    const rest = JSON.parse(more().value.trim() || "{}");
    if (rest && typeof rest === "object" && !Array.isArray(rest)) return { ...rest, ...values };
  } catch {
    // said below
  }
  return refuse(more(), 'Give a JSON object, such as {"top_p": 0.9}.');
}

/** @param {HTMLInputElement | HTMLTextAreaElement} field @param {string} problem */
function refuse(field, problem) {
  showProblem(field, problem);
  field.focus();
  return null;
}

on("click", "[data-settings-open]", () => {
  fill();
  dialog?.showModal();
});
on("click", "[data-settings-cancel]", () => dialog?.close());
dialog?.addEventListener("submit", (event) => {
  event.preventDefault();
  for (const field of [...fields(), more()]) clearProblem(field);
  const values = read();
  if (!values) return;
  now = values;
  dialog.close();
  root.dispatchEvent(new CustomEvent("settings-changed"));
});
