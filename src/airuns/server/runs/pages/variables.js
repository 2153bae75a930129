/** The variables that a run of a prompt begins with, and the texts that they fill. */

import { clearProblem, showProblem } from "../../ui/js/form.js";
import { root } from "./page.js";

const fields = () => /** @type {HTMLTextAreaElement[]} */ ([...root.querySelectorAll("[data-variable]")]);
const name = (/** @type {HTMLElement} */ field) => field.dataset.variable ?? "";

/** @returns {Record<string, string>} what was filled in; the rest has its default */
export function values() {
  const filled = fields().filter((field) => field.value !== "");
  return Object.fromEntries(filled.map((field) => [name(field), field.value]));
}

/** @param {Record<string, string>} given */
export function fillVariables(given) {
  for (const field of fields()) field.value = given[name(field)] ?? "";
  preview();
}

/** Show what is missing; true when something is. */
export function missing() {
  const empty = fields().filter((field) => field.required && !field.value.trim());
  for (const field of empty) showProblem(field, `Give a value for ${name(field)}.`);
  empty[0]?.focus();
  return empty.length > 0;
}

/** @param {string} variable @param {string} problem @returns {boolean} whether there is a field to show it at */
export function showVariableProblem(variable, problem) {
  const field = fields().find((one) => name(one) === variable);
  if (field) {
    showProblem(field, problem);
    field.focus();
  }
  return field !== undefined;
}

function preview() {
  for (const field of fields()) {
    const value = field.value || field.dataset.default || "";
    for (const place of root.querySelectorAll(`[data-fills="${CSS.escape(name(field))}"]`)) {
      place.textContent = value || name(field);
      place.classList.toggle("missing", !value);
    }
  }
  const size = root.querySelector("[data-preview-size]");
  const length = [...root.querySelectorAll(".template")].reduce((sum, one) => sum + (one.textContent?.length ?? 0), 0);
  if (size) size.textContent = length ? `≈ ${Math.ceil(length / 4).toLocaleString("en-US")} tokens` : "";
}

root.querySelector("[data-variables]")?.addEventListener("input", ({ target }) => {
  if (/** @type {Element} */ (target).matches("[aria-invalid]")) clearProblem(/** @type {any} */ (target));
  preview();
});
root.querySelector("[data-variables]")?.addEventListener("submit", (event) => event.preventDefault());
preview();
