/** The editor's fields: read as a state, filled from one, and told what is wrong with them. */

import { clearProblem, showProblem } from "../../ui/js/form.js";

/** @typedef {import("./editor_state.js").State} State */
/** @typedef {import("./editor_state.js").Fault} Fault */
/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Field */

/** @param {ParentNode} within @param {string} selector @returns {any} */
const one = (within, selector) => within.querySelector(selector);

/** @param {ParentNode} within @param {string} selector @returns {any[]} */
const all = (within, selector) => [...within.querySelectorAll(selector)];

/** @param {string} id @returns {HTMLElement} a copy of what a template holds */
export function cloned(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.cloneNode(true).firstElementChild);
}

/** @param {HTMLFormElement} form @returns {State} */
export function read(form) {
  return {
    name: one(form, "#name").value,
    description: one(form, "#description").value,
    tags: all(form, "[data-tag-text]").map((tag) => tag.textContent),
    messages: all(form, "[data-message]").map((row) => ({
      role: one(row, "[data-role]").value,
      text: one(row, "[data-text]").value,
      hasParts: "parts" in row.dataset,
    })),
    variables: Object.fromEntries(all(form, "[data-variable]").map((row) => [row.dataset.variable, readVariable(row)])),
    model: one(form, "[name=model]").value,
    numbers: Object.fromEntries(all(form, "[data-number]").map((field) => [field.dataset.number, field.value])),
    others: one(form, "#others").value,
  };
}

/** @param {HTMLElement} row @returns {import("./editor_state.js").VariableState} */
export function readVariable(row) {
  return {
    default: one(row, "[data-default]").value,
    raw: row.dataset.raw ?? "null",
    required: one(row, "[data-required]").checked,
    description: one(row, "[data-description]").value,
  };
}

/** @param {HTMLFormElement} form @param {State} state */
export function write(form, state) {
  one(form, "#name").value = state.name;
  one(form, "#description").value = state.description;
  all(form, "[data-tag]").forEach((tag) => tag.remove());
  one(form, "#new-tag").before(...state.tags.map(newTag));
  one(form, "[data-messages]").replaceChildren(...state.messages.map(newMessage));
  one(form, "[data-variables]").replaceChildren(...Object.entries(state.variables).map(([name, of]) => newVariable(name, of)));
  one(form, "[name=model]").value = state.model;
  const shown = one(form, "[data-model-name]");
  shown.textContent = state.model.replace(/^[^/]*\//, "") || shown.dataset.none;
  for (const field of all(form, "[data-number]")) field.value = state.numbers[field.dataset.number] ?? "";
  one(form, "#others").value = state.others;
  one(form, "details").open ||= state.others !== "";
}

/** @param {import("./editor_state.js").MessageState} message */
export function newMessage({ role, text, hasParts }) {
  const row = cloned("message-template");
  one(row, "[data-role]").value = role;
  one(row, "[data-text]").value = text;
  if (hasParts) row.dataset.parts = "";
  one(row, ".highlighted").classList.toggle("mono", hasParts);
  return row;
}

/** @param {string} name @param {import("./editor_state.js").VariableState} [of] */
export function newVariable(name, of) {
  const row = cloned("variable-template");
  row.dataset.variable = name;
  one(row, "[data-variable-name]").textContent = name;
  for (const field of all(row, "[aria-label]")) field.setAttribute("aria-label", labelOf(field, name));
  if (!of) return row;
  row.dataset.raw = of.raw;
  one(row, "[data-default]").value = of.default;
  one(row, "[data-required]").checked = of.required;
  one(row, "[data-description]").value = of.description;
  return row;
}

/** @param {HTMLElement} field @param {string} name */
function labelOf(field, name) {
  if ("default" in field.dataset) return `Default of ${name}`;
  return "description" in field.dataset ? `Description of ${name}` : `${name} is required`;
}

/** @param {string} text */
export function newTag(text) {
  const tag = cloned("tag-template");
  one(tag, "[data-tag-text]").textContent = text;
  one(tag, "button").setAttribute("aria-label", `Remove the tag ${text}`);
  return tag;
}

/** Find the field that a path of the API names. @param {HTMLFormElement} form @param {string} path @returns {Field | null} */
function fieldOf(form, path) {
  const [, list, at, rest] = path.match(/^(messages|variables|tags)\[(\d+)\]\.?(.*)$/) ?? [];
  if (list === "messages") return all(form, "[data-message]")[Number(at)]?.querySelector(rest === "role" ? "[data-role]" : "[data-text]");
  if (list === "variables") return all(form, "[data-variable]")[Number(at)]?.querySelector(rest === "description" ? "[data-description]" : "[data-default]");
  if (list === "tags" || path === "tags") return one(form, "#new-tag");
  const id = path.replace(/^settings\.?/, "") || "others";
  return form.querySelector(`#${CSS.escape(id)}`);
}

let numbered = 0;

/** Say beside each field what is wrong, and go to the first. @param {HTMLFormElement} form @param {Fault[]} faults @returns {boolean} whether each was shown */
export function showFaults(form, faults) {
  const fields = faults.map(({ field, message }) => {
    const found = fieldOf(form, field);
    if (!found) return null;
    found.id ||= `field-${++numbered}`;
    showProblem(found, message);
    found.closest("details")?.setAttribute("open", "");
    return found;
  });
  fields.find(Boolean)?.focus();
  return fields.every(Boolean);
}

/** @param {HTMLFormElement} form */
export function clearFaults(form) {
  for (const field of all(form, "[aria-invalid]")) clearProblem(field);
}
