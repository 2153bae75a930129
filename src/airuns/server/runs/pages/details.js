/** The dialog with everything that is known of a run; each request is fetched when it is opened. */

import { on } from "../../ui/js/behaviour.js";
import { fragment, showError } from "../../ui/js/http.js";
import { page } from "./page.js";

const dialog = () => /** @type {HTMLDialogElement} */ (document.querySelector("[data-details]"));

export async function showDetails() {
  dialog().replaceChildren(await fragment(page.part("details")));
  if (!dialog().open) dialog().showModal();
}

/** Show one request, open. @param {string} task */
export async function showRequest(task) {
  await showDetails();
  const found = document.getElementById(`request-${task}`);
  if (!(found instanceof HTMLDetailsElement)) return;
  found.open = true;
  found.scrollIntoView({ block: "start" });
}

document.addEventListener(
  "toggle",
  async (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const path = target.dataset?.load;
    if (!path || !(/** @type {HTMLDetailsElement} */ (target).open)) return;
    delete target.dataset.load;
    try {
      target.querySelector("[data-loaded]")?.replaceChildren(await fragment(path));
    } catch (error) {
      target.dataset.load = path;
      showError(error);
    }
  },
  true,
);

on("click", "[data-more]", async (button) => {
  try {
    button.replaceWith(await fragment(button.dataset.more ?? ""));
  } catch (error) {
    showError(error);
  }
});
on("click", "[data-close-dialog]", (button) => button.closest("dialog")?.close());
on("click", "dialog[data-details]", (element, event) => {
  if (event.target === element) /** @type {HTMLDialogElement} */ (element).close();
});
