/** The form of a price: shows the public price of the model that is chosen, and asks for a model when there is none. */

import { on } from "../../ui/js/behaviour.js";

on("change", "[data-price-form] [data-model-field] input", (field) => {
  const form = /** @type {HTMLFormElement} */ (field.closest("form"));
  told(form).hidden = true;
  for (const [name, price] of [["input", field.dataset.inputPrice], ["output", field.dataset.outputPrice]]) {
    form.querySelector(`[name="${name}"]`)?.setAttribute("placeholder", price ?? "");
  }
});

document.addEventListener(
  "submit",
  (event) => {
    const form = /** @type {HTMLElement} */ (event.target);
    const field = form.querySelector("[data-model-field] input");
    if (!form.matches("[data-price-form]") || !(field instanceof HTMLInputElement) || field.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    told(form).hidden = false;
    form.querySelector("button")?.focus();
  },
  { capture: true },
);

/** @param {HTMLElement} form @returns {HTMLElement} */
const told = (form) => /** @type {HTMLElement} */ (form.querySelector("[data-no-model]"));
