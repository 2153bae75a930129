/** The sheet of keys: what the registry knows, by group. */

import { on } from "./behaviour.js";
import { keyNames, shortcut, shortcuts } from "./keys.js";

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("keys-sheet"));

/** @param {string} name @param {(string | Node)[]} children */
function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

/** @param {import("./keys.js").Shortcut} one */
function line({ label, keys }) {
  const marks = keyNames(keys).flatMap((name) => [element("kbd", name), " "]);
  return element("li", label, element("span", ...marks));
}

function fill() {
  const groups = Map.groupBy(shortcuts(), ({ group }) => group);
  const shown = [...groups].map(([name, list]) => element("div", element("h3", name), element("ul", ...list.map(line))));
  dialog.querySelector("[data-keys-list]")?.replaceChildren(...shown);
}

function open() {
  fill();
  dialog.showModal();
}

on("click", "[data-keys-open]", open);
shortcut("?", { label: "Keyboard shortcuts", group: "Everywhere", icon: "keyboard", run: open });
