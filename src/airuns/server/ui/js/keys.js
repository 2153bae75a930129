/**
 * The keys of the page. Modules register theirs; the sheet of keys (?) and the palette list them.
 *
 *   shortcut("g r", { label: "Go to Runs", group: "Everywhere", icon: "list", run: () => … })
 *
 * "g r" is one key after the other, "mod+k" is ⌘K on a Mac and Ctrl+K elsewhere, "shift+x" as it says.
 * Without `run` it is only listed, for keys that an element handles itself. `when` says whether it
 * applies now; of two with the same keys the later one wins. `menu: false` keeps it out of the palette.
 * Nothing runs while one types or a dialog is open; only combinations with mod do while one types.
 */

/** @typedef {{keys: string, label: string, group: string, icon?: string, run?: () => void, when?: () => boolean, menu?: boolean}} Shortcut */

/** @type {Shortcut[]} */
const known = [];
const PAUSE_MS = 1000;
const NAMES = { mod: "Ctrl", shift: "⇧", enter: "↵", escape: "Esc", arrowup: "↑", arrowdown: "↓", backspace: "⌫" };

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** @param {string} keys @param {Omit<Shortcut, "keys">} what @returns {() => void} how to take it back */
export function shortcut(keys, what) {
  const one = { keys, ...what };
  known.push(one);
  return () => void known.splice(known.indexOf(one), 1);
}

/** @returns {Shortcut[]} those that apply now, without those that a later one replaces */
export function shortcuts() {
  const now = known.filter((one) => !one.when || one.when());
  return now.filter((one, at) => !one.run || !now.slice(at + 1).some((later) => later.run && later.keys === one.keys));
}

/** @param {string} keys @returns {string[]} what to write on each key, as ⌘ and K */
export function keyNames(keys) {
  return keys.split(/[ +]/).map((key) => (key === "mod" && isMac ? "⌘" : (NAMES[/** @type {"mod"} */ (key)] ?? (key.length === 1 ? key.toUpperCase() : key))));
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const key = event.key.toLowerCase();
  const parts = [];
  if (isMac ? event.metaKey : event.ctrlKey) parts.push("mod");
  if (event.shiftKey && (/^[a-z]$/.test(key) || key.length > 1)) parts.push("shift");
  return [...parts, key].join("+");
}

/** @param {Event} event */
export function isTyping(event) {
  const target = /** @type {Element | null} */ (event.composedPath()[0] ?? null);
  return Boolean(target?.closest?.("input:not([type=checkbox], [type=radio], [type=button], [type=range]), textarea, select, [contenteditable]"));
}

let before = "";
let since = 0;

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.altKey || event.key === "Shift") return;
  if (isMac ? event.ctrlKey : event.metaKey) return;
  const key = pressed(event);
  if (isTyping(event) && !key.startsWith("mod+")) return;
  if (document.querySelector("dialog:modal")) return;
  const after = before && event.timeStamp - since < PAUSE_MS ? `${before} ${key}` : key;
  const now = shortcuts().filter((one) => one.run);
  const one = now.find(({ keys }) => keys === after) ?? now.find(({ keys }) => keys === key);
  before = now.some(({ keys }) => keys.startsWith(`${key} `)) ? key : "";
  since = event.timeStamp;
  if (!one) return;
  before = "";
  event.preventDefault();
  one.run?.();
});
