/** The dashboard: drawing over a chart chooses its days, a choice in the head is carried out at once. */

import { behaviour, on } from "../../ui/js/behaviour.js";
import "../../ui/js/filters.js";

on("change", "[data-submit]", (field) => /** @type {HTMLSelectElement} */ (field).form?.requestSubmit());

document.addEventListener("chart:range", (event) => {
  const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-usage-filter]"));
  const { since, until } = /** @type {CustomEvent} */ (event).detail;
  for (const [name, value] of Object.entries({ since, until })) /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).value = value;
  form.requestSubmit();
});

/** An address says only what was chosen. */
behaviour("[data-usage-filter]", (form) => {
  form.addEventListener("formdata", (event) => {
    const { formData } = /** @type {FormDataEvent} */ (event);
    for (const [name, value] of [...formData]) if (!value) formData.delete(name);
  });
});
