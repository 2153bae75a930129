/** Editing a message in its place: what is sent goes out on a new branch, and the old line is kept. */

import { clone, root } from "./page.js";
import { submit } from "./send.js";
import { settingsToSend } from "./settings.js";
import { cutFrom } from "./thread.js";

/** @param {HTMLElement} li @param {any} content the message as it was written */
export function edit(li, content) {
  if ("editing" in li.dataset) return;
  const kept = Array.isArray(content) ? content.filter((part) => part.type !== "text") : [];
  const was = Array.isArray(content) ? content.map((part) => part.text ?? "").filter(Boolean).join("\n") : content;
  const form = /** @type {HTMLFormElement} */ (clone("edit-template"));
  const field = /** @type {HTMLTextAreaElement} */ (form.querySelector("textarea"));
  const shown = [...li.querySelectorAll(".said")];
  field.value = was;
  li.dataset.editing = "";
  for (const part of shown) part.setAttribute("hidden", "");
  li.append(form);
  field.focus();
  field.setSelectionRange(was.length, was.length);

  const end = () => {
    delete li.dataset.editing;
    form.remove();
    for (const part of shown) part.removeAttribute("hidden");
  };
  const go = () => {
    const text = field.value.trim();
    if (!text) return;
    const parent = li.dataset.parent || null;
    end();
    cutFrom(li);
    submit({ text, content: kept.length ? [{ type: "text", text }, ...kept] : text, more: settingsToSend(), parent });
    focusComposer();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go();
  });
  form.querySelector("[data-edit-cancel]")?.addEventListener("click", () => {
    end();
    focusComposer();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      end();
      focusComposer();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !matchMedia("(pointer: coarse)").matches) {
      event.preventDefault();
      go();
    }
  });
}

const focusComposer = () => /** @type {HTMLElement | null} */ (root.querySelector("[data-message-text]"))?.focus();
