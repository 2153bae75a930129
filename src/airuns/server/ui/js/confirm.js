/** Asks before something is destroyed: says what will happen, and has the verb on the button. */

/**
 * @param {{title: string, text: string, verb: string}} question
 * @returns {Promise<boolean>} whether the answer was the verb
 */
export function confirmed({ title, text, verb }) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("confirm"));
  const fill = (/** @type {string} */ selector, /** @type {string} */ words) => {
    const element = dialog.querySelector(selector);
    if (element) element.textContent = words;
  };
  fill("h2", title);
  fill("[data-confirm-text]", text);
  fill("[data-confirm-verb]", verb);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
