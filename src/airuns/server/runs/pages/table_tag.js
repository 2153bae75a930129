/** Asks for a tag to put on or take off: typed, or chosen from those that there are. */

import { on } from "../../ui/js/behaviour.js";

const SHOWN = 12;

const dialog = () => /** @type {HTMLDialogElement} */ (document.getElementById("tag-dialog"));
const input = () => /** @type {HTMLInputElement} */ (document.getElementById("tag-name"));

/**
 * @param {string} many what is tagged, as "3 runs"
 * @returns {Promise<{action: "tag" | "untag", tag: string} | null>}
 */
export function askTag(many) {
  const title = dialog().querySelector("[data-tag-title]");
  if (title) title.textContent = `Tag ${many}`;
  offer();
  input().value = "";
  dialog().returnValue = "";
  dialog().showModal();
  input().focus();
  return new Promise((resolve) => {
    dialog().addEventListener("close", () => {
      const action = /** @type {"tag" | "untag" | ""} */ (dialog().returnValue);
      const tag = input().value.trim();
      resolve(action && tag ? { action, tag } : null);
    }, { once: true });
  });
}

function offer() {
  const choices = /** @type {HTMLElement} */ (dialog().querySelector("[data-tag-choices]"));
  const known = /** @type {HTMLOptionElement[]} */ ([...document.querySelectorAll("#run-tags option")]).slice(0, SHOWN);
  choices.replaceChildren(...known.map((option) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tag";
    button.dataset.tagChoice = "";
    button.textContent = option.value;
    return button;
  }));
}

on("click", "[data-tag-remove]", () => dialog().close("untag"));

on("click", "[data-tag-choice]", (button) => {
  input().value = button.textContent ?? "";
  input().focus();
});
