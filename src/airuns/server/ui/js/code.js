/** Code blocks: copy what they hold, or wrap its long lines. */

import { on } from "./behaviour.js";
import { copyText } from "./copy.js";

/** @param {Element} button */
const codeOf = (button) => button.closest(".code")?.querySelector("pre");
on("click", "[data-code-copy]", (button) => void copyText(codeOf(button)?.textContent ?? ""));
on("click", "[data-code-wrap]", (button) => {
  const wraps = codeOf(button)?.classList.toggle("wrap") ?? false;
  button.setAttribute("aria-pressed", String(wraps));
});
