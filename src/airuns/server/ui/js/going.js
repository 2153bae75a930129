/** The keys that work on every page: to go somewhere, to begin, to search, to switch the theme. */

import { behaviour, on } from "./behaviour.js";
import { shortcut } from "./keys.js";
import { toggleTheme } from "./theme.js";

const SEARCHES = "[data-page-search], main input[type=search], .sidebar input[type=search]";
const group = "Everywhere";

/** @param {string} keys @param {string} label @param {string} icon @param {string} path */
const goTo = (keys, label, icon, path) => shortcut(keys, { label, group, icon, run: () => location.assign(path) });

/** @returns {HTMLInputElement | undefined} the search of this page that one can see */
function search() {
  const all = /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll(SEARCHES));
  return [...all].find((field) => field.checkVisibility());
}

/** Begin what the page calls new, or a chat. */
function begin() {
  const link = /** @type {HTMLElement | null} */ (document.querySelector("[data-new-run]"));
  if (link) link.click();
  else location.assign("/ai/chat");
}

shortcut("/", { label: "Search this page", group, menu: false, when: () => Boolean(search()), run: () => search()?.select() });
shortcut("n", { label: "New run", group, icon: "plus", run: begin });
goTo("g c", "Go to Chat", "chat", "/ai/chat");
goTo("g p", "Go to Prompts", "prompt", "/ai/prompts");
goTo("g r", "Go to Runs", "list", "/ai/runs");
goTo("g a", "Go to Analytics", "chart", "/ai/analytics");
goTo("mod+,", "Settings", "sliders", "/settings");
shortcut("t", { label: "Light or dark", group, icon: "moon", run: toggleTheme });

/** Tabs scroll where there is no room for all; the one that is open is seen. */
behaviour(".tabs [aria-current]", (tab) => tab.scrollIntoView({ block: "nearest", inline: "center" }));

on("click", "[data-close]", (button) => button.closest("dialog")?.close());
