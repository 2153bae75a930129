/** The command palette: what the server finds in runs and prompts, and the commands of the page. */

import { on } from "./behaviour.js";
import { fragment, showError } from "./http.js";
import { keyNames, shortcut, shortcuts } from "./keys.js";
import { say } from "./say.js";

const PAUSE_MS = 120;

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("palette"));
const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (dialog.querySelector(selector));
const input = /** @type {HTMLInputElement} */ (part("input"));
const found = part("[data-palette-found]");
const text = () => input.value.trim();
const allRuns = () => `/ai/runs?q=${encodeURIComponent(text())}`;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let soon;
let asked = 0;
/** What is being looked for: Enter waits for it, so that it never opens what an older text found. */
let looking = Promise.resolve();

const options = () => /** @type {HTMLElement[]} */ ([...dialog.querySelectorAll("[role=option]")].filter((one) => one.checkVisibility()));
const chosen = () => options().find((one) => one.getAttribute("aria-selected") === "true");

/** @param {HTMLElement | undefined} option */
function choose(option) {
  for (const [at, one] of options().entries()) {
    one.id = `palette-option-${at}`;
    one.setAttribute("aria-selected", String(one === option));
  }
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

/** @param {import("./keys.js").Shortcut} command */
function commandOption(command) {
  const template = /** @type {HTMLTemplateElement} */ (dialog.querySelector("template"));
  const option = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const use = option.querySelector("use");
  use?.setAttribute("href", `${use.getAttribute("href")}#${command.icon ?? "bolt"}`);
  /** @type {Element} */ (option.querySelector(".truncate")).textContent = command.label;
  for (const name of keyNames(command.keys)) {
    const key = document.createElement("kbd");
    key.textContent = name;
    option.querySelector(".end")?.append(key);
  }
  option.addEventListener("palette:run", () => command.run?.());
  return option;
}

function showCommands() {
  const words = text().toLowerCase().split(/\s+/);
  const fits = (/** @type {import("./keys.js").Shortcut} */ one) => words.every((word) => one.label.toLowerCase().includes(word));
  const fitting = shortcuts().filter((one) => one.run && one.menu !== false && fits(one));
  const group = part("[data-palette-commands]");
  group.replaceChildren(/** @type {Element} */ (group.firstElementChild), ...fitting.map(commandOption));
  group.hidden = fitting.length === 0;
  part("[data-palette-actions]").hidden = !text();
  part("[data-palette-text]").textContent = text();
  part("[data-palette-all]").setAttribute("href", allRuns());
  part("[data-palette-chat]").setAttribute("href", `/ai/chat?text=${encodeURIComponent(text())}`);
}

async function look() {
  const mine = ++asked;
  try {
    const results = await fragment(`/ai/palette?q=${encodeURIComponent(text())}`);
    if (mine !== asked) return;
    found.replaceChildren(results);
  } catch (error) {
    if (mine === asked) showError(error);
  }
  if (mine !== asked) return;
  found.removeAttribute("aria-busy");
  choose(options()[0]);
  say(`${options().length} results`);
}

function lookSoon() {
  showCommands();
  choose(chosen() ?? options()[0]);
  clearTimeout(soon);
  looking = new Promise((resolve) => {
    soon = setTimeout(() => look().then(resolve), text() ? PAUSE_MS : 0);
  });
}

function open() {
  if (dialog.open) return;
  input.value = "";
  dialog.showModal();
  lookSoon();
}

/** @param {HTMLElement} option */
function carryOut(option) {
  dialog.close();
  if (option instanceof HTMLAnchorElement) location.assign(option.href);
  else option.dispatchEvent(new Event("palette:run"));
}

/** @param {1 | -1} by */
function move(by) {
  const all = options();
  const at = all.indexOf(/** @type {HTMLElement} */ (chosen()));
  choose(all.at((at + by + all.length) % all.length));
}

input.addEventListener("input", lookSoon);
input.addEventListener("keydown", async (event) => {
  if (event.isComposing) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (event.metaKey || event.ctrlKey) return location.assign(allRuns());
    await looking;
    const option = dialog.open && chosen();
    if (option) carryOut(option);
  } else if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey)) {
    event.preventDefault();
    dialog.close();
  }
});
dialog.addEventListener("pointermove", (event) => {
  const option = /** @type {Element} */ (event.target).closest("[role=option]");
  if (option instanceof HTMLElement && option !== chosen()) choose(option);
});
dialog.addEventListener("click", (event) => {
  const option = /** @type {Element} */ (event.target).closest("[role=option]");
  if (event.target === dialog) dialog.close();
  else if (option instanceof HTMLElement && !(option instanceof HTMLAnchorElement)) carryOut(option);
});

on("click", "[data-palette-open]", open);
shortcut("mod+k", { label: "Search or jump to", group: "Everywhere", menu: false, run: open });
