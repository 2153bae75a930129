/** The editor's lists: messages that come, go and move; variables as the texts name them; tags. */

import { on } from "../../ui/js/behaviour.js";
import { newMessage, newTag, newVariable, read, readVariable } from "./editor_fields.js";
import { namesIn } from "./editor_state.js";

/** @typedef {import("./editor_state.js").VariableState} VariableState */

/** @type {Map<string, VariableState>} what was said of variables that the texts have no more */
const remembered = new Map();

/** @param {HTMLElement} within */
const formOf = (within) => /** @type {HTMLFormElement} */ (within.closest("[data-editor]"));

/** Tell the form that something has changed. @param {HTMLFormElement} form */
function changed(form) {
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

/** @param {HTMLElement} message @returns {HTMLTextAreaElement} */
const textOf = (message) => /** @type {any} */ (message.querySelector("[data-text]"));

/** Number the messages for those who do not see them, and keep the last one. @param {HTMLFormElement} form */
export function label(form) {
  const rows = /** @type {HTMLElement[]} */ ([...form.querySelectorAll("[data-message]")]);
  rows.forEach((row, at) => {
    textOf(row).setAttribute("aria-label", `Text of message ${at + 1}`);
    row.querySelector("[data-role]")?.setAttribute("aria-label", `Role of message ${at + 1}`);
    const tools = /** @type {HTMLButtonElement[]} */ ([...row.querySelectorAll(".line-tools button")]);
    ["up", "down"].forEach((way, of) => tools[of].setAttribute("aria-label", `Move message ${at + 1} ${way}`));
    tools[2].setAttribute("aria-label", `Remove message ${at + 1}`);
    tools[0].disabled = at === 0;
    tools[1].disabled = at === rows.length - 1;
    tools[2].disabled = rows.length === 1;
  });
}

/** List the variables that the texts name now. @param {HTMLFormElement} form */
export function listVariables(form) {
  const list = /** @type {HTMLElement} */ (form.querySelector("[data-variables]"));
  const names = namesIn(read(form));
  const rows = new Map(/** @type {HTMLElement[]} */ ([...list.children]).map((row) => [row.dataset.variable ?? "", row]));
  for (const [name, row] of rows) {
    if (names.includes(name)) continue;
    remembered.set(name, readVariable(row));
    row.remove();
  }
  names.forEach((name, at) => {
    const row = rows.get(name) ?? newVariable(name, remembered.get(name));
    if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
  });
  const count = /** @type {HTMLElement} */ (form.querySelector("[data-variable-count]"));
  count.textContent = names.length ? String(names.length) : "";
  /** @type {HTMLElement} */ (form.querySelector("[data-no-variables]")).hidden = names.length > 0;
}

on("click", "[data-add-message]", (button) => {
  const form = formOf(button);
  const last = [...form.querySelectorAll("[data-role]")].at(-1);
  const role = /** @type {HTMLSelectElement} */ (last).value === "user" ? "assistant" : "user";
  const row = newMessage({ role, text: "", hasParts: false });
  form.querySelector("[data-messages]")?.append(row);
  label(form);
  changed(form);
  textOf(row).focus();
});

on("click", "[data-remove-message]", (button) => {
  const form = formOf(button);
  const row = /** @type {HTMLElement} */ (button.closest("[data-message]"));
  const next = /** @type {HTMLElement} */ (row.nextElementSibling ?? row.previousElementSibling);
  row.remove();
  label(form);
  changed(form);
  textOf(next).focus();
});

/** @param {HTMLElement} row @param {number} by */
function move(row, by) {
  const beside = by < 0 ? row.previousElementSibling : row.nextElementSibling;
  if (!beside) return;
  if (by < 0) beside.before(row);
  else beside.after(row);
  label(formOf(row));
  changed(formOf(row));
}

on("click", "[data-move]", (button) => {
  const row = /** @type {HTMLElement} */ (button.closest("[data-message]"));
  move(row, Number(button.dataset.move));
  if (/** @type {HTMLButtonElement} */ (button).disabled) textOf(row).focus();
  else button.focus();
});

on("keydown", "[data-message]", (row, event) => {
  const { key, altKey } = /** @type {KeyboardEvent} */ (event);
  if (!altKey || !["ArrowUp", "ArrowDown"].includes(key)) return;
  event.preventDefault();
  const focused = /** @type {HTMLElement} */ (document.activeElement);
  move(row, key === "ArrowUp" ? -1 : 1);
  focused.focus();
});

on("keydown", "#new-tag", (element, event) => {
  const input = /** @type {HTMLInputElement} */ (element);
  const { key, isComposing } = /** @type {KeyboardEvent} */ (event);
  if (isComposing) return;
  if (key === "Enter") {
    event.preventDefault();
    addTag(input);
  } else if (key === "Backspace" && !input.value) {
    input.previousElementSibling?.remove();
    changed(formOf(input));
  }
});

on("focusout", "#new-tag", (input) => addTag(/** @type {HTMLInputElement} */ (input)));

/** @param {HTMLInputElement} input */
function addTag(input) {
  const text = input.value.trim();
  input.value = "";
  if (!text) return;
  const form = formOf(input);
  if (!read(form).tags.includes(text)) input.before(newTag(text));
  changed(form);
}

on("click", "[data-remove-tag]", (button) => {
  const form = formOf(button);
  button.closest("[data-tag]")?.remove();
  changed(form);
  /** @type {HTMLElement} */ (form.querySelector("#new-tag")).focus();
});
