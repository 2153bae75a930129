/** Dialogs with a form that the server renders: `data-form-dialog` is the path; a form that is done closes it. */

import { on } from "./behaviour.js";
import { whileBusy } from "./form.js";
import { fragment, showError } from "./http.js";

on("click", "[data-form-dialog]", (button) => {
  whileBusy(button, async () => {
    const part = await fragment(button.dataset.formDialog ?? "");
    const dialog = /** @type {HTMLDialogElement} */ (part.querySelector("dialog"));
    document.body.append(dialog);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("done", () => dialog.close());
    dialog.showModal();
  }).catch(showError);
});

on("click", "[data-dialog-close]", (button) => button.closest("dialog")?.close());
