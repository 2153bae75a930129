/** Short notices at the corner: one line, past tense, with Undo where something can be undone. */

const SHOWN_MS = 6000;
const GLYPHS = { success: "success", error: "error", info: "info" };

/**
 * Show a notice. Errors stay until they are dismissed; others go after 6 s unless looked at.
 * @param {string} text
 * @param {{kind?: "success" | "error" | "info", action?: string, undo?: () => unknown}} [options]
 */
export function toast(text, { kind = "success", action = "Undo", undo } = {}) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("toast-template"));
  const shown = /** @type {HTMLElement} */ (template.content.cloneNode(true)).firstElementChild;
  if (!(shown instanceof HTMLElement)) return;
  shown.classList.add(kind);
  const glyph = shown.querySelector("use");
  glyph?.setAttribute("href", glyph.getAttribute("href")?.replace(/#.*/, `#${GLYPHS[kind]}`) ?? "");
  const line = shown.querySelector("p");
  if (line) line.textContent = text;
  const button = shown.querySelector("[data-toast-action]");
  if (undo && button instanceof HTMLElement) {
    button.hidden = false;
    button.textContent = action;
    button.addEventListener("click", () => {
      shown.remove();
      undo();
    });
  }
  shown.querySelector("[data-toast-close]")?.addEventListener("click", () => shown.remove());
  document.querySelector("[data-toasts]")?.append(shown);
  if (kind !== "error") leaveAfter(shown, SHOWN_MS);
}

/** @param {HTMLElement} shown @param {number} ms */
function leaveAfter(shown, ms) {
  let timer = setTimeout(() => shown.remove(), ms);
  for (const event of ["pointerenter", "focusin"]) shown.addEventListener(event, () => clearTimeout(timer));
  for (const event of ["pointerleave", "focusout"]) {
    shown.addEventListener(event, () => {
      clearTimeout(timer);
      timer = setTimeout(() => shown.remove(), ms);
    });
  }
}
