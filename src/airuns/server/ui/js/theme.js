/** Light, dark or as the system; and the reader's time zone. Both in cookies, so that pages come right. */

import { on } from "./behaviour.js";

const YEAR_S = 31_536_000;

/** @param {string} name @param {string} value */
function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${value ? YEAR_S : 0}; samesite=lax`;
}

/** @param {"light" | "dark" | "system"} theme */
export function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  remember("airuns_theme", theme === "system" ? "" : theme);
  for (const choice of document.querySelectorAll("[data-theme-choice]")) {
    /** @type {HTMLInputElement} */ (choice).checked = /** @type {HTMLInputElement} */ (choice).value === theme;
  }
}

const isDark = () =>
  (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

export const toggleTheme = () => setTheme(isDark() ? "light" : "dark");

on("click", "[data-theme-toggle]", toggleTheme);
on("change", "[data-theme-choice]", (element) =>
  setTheme(/** @type {any} */ (/** @type {HTMLInputElement} */ (element).value)));

remember("airuns_zone", Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC");
