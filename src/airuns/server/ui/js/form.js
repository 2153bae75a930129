/**
 * Forms and buttons that talk to the API.
 *   <form data-form="POST /api/keys" data-done="Key made" data-refresh="#keys" data-reveal="#new-key">
 *   <button data-send="DELETE /api/keys/…" data-confirm="Revoke?" data-confirm-text="…" data-confirm-verb="Revoke">
 * A field is sent under its name, or under `data-field`; an empty one that is not required is left out;
 * one that the path names, as in "PUT /api/things/{name}", goes there; one with `data-list` is sent as
 * the list of what stands between its commas.
 * `data-refresh` names parts to fetch anew, `data-reveal` an element whose [data-answer] take what came
 * back; `data-keep` leaves the fields as they are. Each sends the event `done` with the answer.
 */

import { on } from "./behaviour.js";
import { confirmed } from "./confirm.js";
import { Problem, send, showError } from "./http.js";
import { toast } from "./toast.js";

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Field */
/** @typedef {Record<string, string | boolean | number | string[]>} Values */

/** @param {HTMLFormElement} form @returns {Field[]} */
const fieldsOf = (form) => /** @type {any} */ ([...form.elements].filter((one) => nameOf(/** @type {any} */ (one))));

/** @param {Field} field */
const nameOf = (field) => field.dataset.field ?? field.name;

/** @param {Field} field @param {string} name Tell whether the API's name of a field, or of an item of a list, is this one's. */
const isNamed = (field, name) => nameOf(field) === name || ("list" in field.dataset && name.startsWith(`${nameOf(field)}[`));

/** @param {HTMLFormElement} form */
function valuesOf(form) {
  /** @type {Values} */
  const values = {};
  for (const field of fieldsOf(form)) {
    if (field instanceof HTMLInputElement && field.type === "checkbox") values[nameOf(field)] = field.checked;
    else if (field.type === "number" && field.value) values[nameOf(field)] = Number(field.value);
    else if ("list" in field.dataset) values[nameOf(field)] = field.value.split(",").map((one) => one.trim()).filter(Boolean);
    else if (field.value || field.required) values[nameOf(field)] = field.value;
  }
  return values;
}

/** Put values into the path that names them, out of the body. @param {string} request @param {Values} values */
function addressed(request, values) {
  return request.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    delete values[name];
    return encodeURIComponent(String(value));
  });
}

/** Say beside a field what would be right. @param {Field} field @param {string} text */
export function showProblem(field, text) {
  clearProblem(field);
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("problem-template"));
  const line = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  line.id = `${field.id}-problem`;
  line.append(text);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", line.id);
  field.after(line);
}

/** @param {Field} field */
export function clearProblem(field) {
  field.removeAttribute("aria-invalid");
  document.getElementById(`${field.id}-problem`)?.remove();
}

/** @param {HTMLFormElement} form @param {unknown} error */
function showProblems(form, error) {
  const found = error instanceof Problem ? error.errors : [];
  const fields = found.flatMap(({ field: name, message }) => {
    const field = fieldsOf(form).find((one) => isNamed(one, name));
    if (field) showProblem(field, message);
    return field ? [field] : [];
  });
  if (fields.length) fields[0].focus();
  else showError(error);
}

/** Send what an element names, say that it is done, and show what that changed. @param {HTMLElement} element @param {string} request @param {object | null} body */
async function carryOut(element, request, body) {
  const [method, path] = request.split(" ");
  const answer = await send(method, path, body);
  const { done, refresh, reveal } = element.dataset;
  if (reveal) show(reveal, answer);
  if (done) toast(done);
  if (refresh) for (const part of document.querySelectorAll(refresh)) globalThis.htmx.trigger(part, "refresh");
  element.dispatchEvent(new CustomEvent("done", { detail: answer, bubbles: true }));
}

/** @param {string} selector @param {Record<string, string>} answer */
function show(selector, answer) {
  const panel = /** @type {HTMLElement} */ (document.querySelector(selector));
  for (const place of panel.querySelectorAll("[data-answer]")) {
    place.textContent = answer[place.getAttribute("data-answer") ?? ""];
  }
  panel.hidden = false;
  panel.focus();
}

/** Keep a button busy, its width unchanged, while something is under way. @param {Element | null} button @param {() => Promise<void>} act */
export async function whileBusy(button, act) {
  if (button?.getAttribute("aria-busy") === "true") return;
  button?.setAttribute("aria-busy", "true");
  try {
    await act();
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

on("submit", "[data-form]", (element, event) => {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (element);
  fieldsOf(form).forEach(clearProblem);
  whileBusy(form.querySelector("button:not([type=button])"), async () => {
    try {
      const values = valuesOf(form);
      await carryOut(form, addressed(form.dataset.form ?? "", values), values);
      if (!("keep" in form.dataset)) form.reset();
    } catch (error) {
      showProblems(form, error);
    }
  });
});

on("input", "[data-form] [aria-invalid]", (field) => clearProblem(/** @type {Field} */ (field)));

on("click", "[data-send]", async (button) => {
  const { send: request = "", body, confirm: title, confirmText: text = "", confirmVerb: verb = "" } = button.dataset;
  if (title && !(await confirmed({ title, text, verb }))) return;
  whileBusy(button, () => carryOut(button, request, body ? JSON.parse(body) : null).catch(showError));
});
