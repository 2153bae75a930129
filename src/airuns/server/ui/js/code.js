/** Code blocks: copy what they hold, or wrap its long lines. Rendered answers have no buttons of their own. */

import { behaviour, on } from "./behaviour.js";
import { copyText } from "./copy.js";

const ICONS = new URL("../icons.svg", import.meta.url).pathname;
const SVG = "http://www.w3.org/2000/svg";

/** @param {string} act @param {string} label */
function button(act, label) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", className: "icon-button", title: label });
  made.setAttribute(`data-code-${act}`, "");
  made.setAttribute("aria-label", label);
  const icon = document.createElementNS(SVG, "svg");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${ICONS}#${act}`);
  icon.append(use);
  made.append(icon);
  return made;
}

behaviour("figcaption.code-header", (header) => header.append(button("wrap", "Wrap lines"), button("copy", "Copy code")));

/** @param {Element} button */
const codeOf = (button) => button.closest(".code")?.querySelector("pre");
on("click", "[data-code-copy]", (button) => void copyText(codeOf(button)?.textContent ?? ""));
on("click", "[data-code-wrap]", (button) => {
  const wraps = codeOf(button)?.classList.toggle("wrap") ?? false;
  button.setAttribute("aria-pressed", String(wraps));
});
