/** The end of an account: the button works once the name is typed; then nobody is signed in any more. */

import { on } from "../../ui/js/behaviour.js";

on("input", "[data-account-form] [data-field=confirm]", (field) => {
  const { form, value } = /** @type {HTMLInputElement} */ (field);
  const button = /** @type {HTMLButtonElement} */ (form?.querySelector("[data-account-delete]"));
  button.disabled = value.trim() !== button.dataset.name;
});

on("done", "[data-account-form]", () => location.assign("/sign-in"));
