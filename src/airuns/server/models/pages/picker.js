/** Chooses a model: one dialog a page, fetched when it is first wanted, for any number of fields. */

import { on } from "../../ui/js/behaviour.js";
import { fragment, showError } from "../../ui/js/http.js";

const PATH = "/ai/models/picker";
const PAUSE_MS = 120;
const FACTS = ["inputPrice", "outputPrice", "contextSize"];

/** @type {Promise<HTMLDialogElement> | undefined} */
let loading;
/** @type {((option: HTMLElement | null) => void) | undefined} */
let answer;
let chosen = "";
let asked = 0;

/**
 * Let the reader choose a model; null when the dialog was closed without.
 * The option's data has choice (provider/name), name, inputPrice, outputPrice and contextSize; that of the
 * default model has no choice, but default (provider/name).
 * @param {string} [current] the model that is chosen now
 * @returns {Promise<DOMStringMap | null>}
 */
export async function pickModel(current = "") {
  const first = loading === undefined;
  loading ??= load();
  const dialog = await loading;
  chosen = current;
  input(dialog).value = "";
  if (first) show(dialog);
  else void search(dialog);
  dialog.showModal();
  const option = await new Promise((resolve) => (answer = resolve));
  return option && option.dataset;
}

async function load() {
  try {
    const part = await fragment(PATH);
    const dialog = /** @type {HTMLDialogElement} */ (part.querySelector("dialog"));
    document.body.append(dialog);
    bind(dialog);
    return dialog;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

/** @param {HTMLDialogElement} dialog */
function bind(dialog) {
  let timer = 0;
  input(dialog).addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => void search(dialog), PAUSE_MS);
  });
  dialog.addEventListener("keydown", (event) => steer(dialog, event));
  dialog.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const option = target.closest("[role=option]");
    if (option) settle(dialog, /** @type {HTMLElement} */ (option));
    else if (target === dialog || target.closest("[data-picker-close]")) dialog.close();
  });
  dialog.addEventListener("close", () => settle(dialog, null));
}

/** @param {HTMLDialogElement} dialog @param {HTMLElement | null} option */
function settle(dialog, option) {
  const tell = answer;
  answer = undefined;
  dialog.close();
  tell?.(option);
}

/** Show what matches; an answer that a later question has overtaken is dropped. @param {HTMLDialogElement} dialog */
async function search(dialog) {
  const turn = ++asked;
  try {
    const part = await fragment(`${PATH}?q=${encodeURIComponent(input(dialog).value)}`);
    if (turn !== asked) return;
    const list = /** @type {HTMLElement} */ (dialog.querySelector("[data-picker-list]"));
    list.replaceChildren(part);
    list.scrollTop = 0;
    show(dialog);
  } catch (error) {
    showError(error);
  }
}

/** Number the options, mark the chosen one, and stand on it or on the first. @param {HTMLDialogElement} dialog */
function show(dialog) {
  const all = options(dialog);
  all.forEach((option, number) => {
    option.id = `picker-model-${number}`;
    option.classList.toggle("chosen", option.dataset.choice === chosen);
  });
  const searching = input(dialog).value !== "";
  stand(dialog, (!searching && all.find((option) => option.classList.contains("chosen"))) || all[0]);
}

/** @param {HTMLDialogElement} dialog @param {HTMLElement | undefined} option */
function stand(dialog, option) {
  for (const other of options(dialog)) other.setAttribute("aria-selected", String(other === option));
  if (!option) return input(dialog).removeAttribute("aria-activedescendant");
  input(dialog).setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLDialogElement} dialog @param {KeyboardEvent} event */
function steer(dialog, event) {
  if (event.target !== input(dialog) || event.isComposing) return;
  const all = options(dialog);
  const now = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const to = { ArrowDown: now + 1, ArrowUp: now - 1, PageDown: now + 8, PageUp: now - 8 }[event.key];
  if (to !== undefined && all.length) {
    const wraps = event.key.startsWith("Arrow");
    stand(dialog, all[wraps ? (to + all.length) % all.length : Math.min(Math.max(to, 0), all.length - 1)]);
    event.preventDefault();
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (all[now]) settle(dialog, all[now]);
  }
}

/** @param {HTMLDialogElement} dialog @returns {HTMLInputElement} */
const input = (dialog) => /** @type {HTMLInputElement} */ (dialog.querySelector("[role=combobox]"));

/** @param {HTMLDialogElement} dialog @returns {HTMLElement[]} */
const options = (dialog) => [...dialog.querySelectorAll("[role=option]")].map((one) => /** @type {HTMLElement} */ (one));

on("click", "[data-model-field] button", async (button) => {
  const field = /** @type {HTMLInputElement} */ (button.parentElement?.querySelector("input"));
  try {
    const option = await pickModel(field.value);
    if (option) fill(field, button, option);
  } catch (error) {
    showError(error);
  }
});

/* `data-pick-model` names a field that a model can be typed into; with `data-list` it takes several. */
on("click", "[data-pick-model]", async (button) => {
  const field = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.pickModel ?? ""));
  const takesMany = "list" in field.dataset;
  try {
    const option = await pickModel(takesMany ? "" : field.value);
    if (!option) return;
    const before = takesMany ? field.value.replace(/[\s,]+$/, "") : "";
    field.value = [before, option.choice || option.default].filter(Boolean).join(", ");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  } catch (error) {
    showError(error);
  }
});

/** @param {HTMLInputElement} field @param {HTMLElement} button @param {DOMStringMap} option */
function fill(field, button, option) {
  const name = /** @type {HTMLElement} */ (button.querySelector("[data-model-name]"));
  field.value = option.choice ?? "";
  name.textContent = option.name || (name.dataset.none ?? "");
  for (const fact of FACTS) field.dataset[fact] = option[fact] ?? "";
  field.dispatchEvent(new Event("change", { bubbles: true }));
}
