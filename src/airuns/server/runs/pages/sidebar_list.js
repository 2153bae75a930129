/** The list of the sidebar: kept true while runs change, each item where it belongs. */

import { behaviour } from "../../ui/js/behaviour.js";
import { fragment, showError } from "../../ui/js/http.js";
import { whenRunsChange } from "./run_news.js";

const PAGE = 20;
const LARGEST = 100;

const list = () => /** @type {HTMLElement} */ (document.querySelector("[data-side-runs]"));
const items = () => /** @type {HTMLElement[]} */ ([...list().querySelectorAll("[data-run-item]")]);

/** @param {string} path @param {Record<string, string | string[]>} more what is asked beside the form's choice */
function address(path, more) {
  const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-sidebar-form]"));
  const values = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  for (const [name, value] of Object.entries(more)) for (const each of [value].flat()) values.append(name, each);
  return `${path}?${values}`;
}

/** Show the list anew, as far as it is loaded. */
export async function refresh() {
  let shown, found;
  do {
    shown = items().length;
    const limit = Math.min(LARGEST, Math.max(PAGE, shown));
    found = await fragment(address("/ai/runs/sidebar", { limit: String(limit) }));
  } while (items().length > shown && shown < LARGEST); // more were loaded meanwhile: they stay
  const kept = (/** @type {Node} */ old) => !(old instanceof Element && old.classList.contains("is-renaming"));
  globalThis.Idiomorph.morph(list(), [...found.childNodes], { morphStyle: "innerHTML", callbacks: { beforeNodeMorphed: kept } });
  settle();
}

/** @param {string[]} ids */
async function update(ids) {
  const found = await fragment(address("/ai/runs/sidebar/items", { ids }));
  for (const id of ids) {
    const old = document.getElementById(`side-${id}`);
    const fresh = found.getElementById(`side-${id}`);
    if (fresh) put(old, fresh);
    else old?.remove();
  }
  tidy();
  settle(found);
  if (!items().length || list().querySelector(".empty")) await refresh();
}

/** @param {HTMLElement | null} old @param {HTMLElement} fresh */
function put(old, fresh) {
  if (old?.classList.contains("is-renaming")) return;
  const section = /** @type {HTMLElement} */ (fresh.closest("section"));
  const next = items().find((item) => item !== old && isBefore(fresh, item));
  const isBeyond = !next && document.getElementById("side-more");
  if (isBeyond) return old?.remove();
  const item = old ?? fresh;
  if (old) globalThis.Idiomorph.morph(old, fresh.cloneNode(true));
  if (item.nextElementSibling === (next ?? null) && item.closest("section")?.dataset.day === section.dataset.day) return;
  const { ul, before } = placeFor(section, next);
  move(ul, item, before);
}

/** @param {HTMLElement} section @param {HTMLElement} [next] where an item goes */
function placeFor(section, next) {
  const day = section.dataset.day ?? "";
  const following = next?.closest("section");
  if (following?.dataset.day === day) return { ul: /** @type {Element} */ (following.querySelector("ul")), before: next ?? null };
  let place = list().querySelector(`section[data-day="${CSS.escape(day)}"]`);
  if (!place) {
    place = /** @type {HTMLElement} */ (section.cloneNode(true));
    place.querySelector("ul")?.replaceChildren();
    list().insertBefore(place, following ?? document.getElementById("side-more"));
  }
  return { ul: /** @type {Element} */ (place.querySelector("ul")), before: null };
}

/** Move without losing the focus. @param {Element} ul @param {HTMLElement} item @param {Element | null} before */
function move(ul, item, before) {
  const focused = item.contains(document.activeElement) ? document.activeElement : null;
  ul.insertBefore(item, before);
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
}

/** @param {HTMLElement} one @param {HTMLElement} other */
function isBefore(one, other) {
  const sort = /** @type {HTMLSelectElement} */ (document.querySelector("[data-sidebar-form] [name=sort]")).value;
  const [a, b] = [one.dataset.order ?? "", other.dataset.order ?? ""];
  return sort === "oldest" || sort === "name" ? a < b : a > b;
}

function tidy() {
  for (const section of list().querySelectorAll("section")) if (!section.querySelector("li")) section.remove();
}

/** Show how many there are and which one is open. @param {ParentNode} [found] */
function settle(found = list()) {
  const count = [...found.querySelectorAll("[data-side-count]")].at(-1)?.textContent ?? "";
  for (const badge of document.querySelectorAll("[data-side-badge]")) badge.textContent = count;
  const more = document.getElementById("side-more");
  if (more?.textContent.includes(" of ")) more.textContent = `Load ${PAGE} more of ${count}`;
  markOpen();
}

/** Mark the run whose page this is. */
export function markOpen() {
  const asked = new URLSearchParams(location.search).get("runId");
  for (const item of items()) {
    const link = /** @type {HTMLAnchorElement} */ (item.querySelector("[data-run-name]"));
    const isOpen = link.pathname === location.pathname || item.dataset.runItem === asked;
    item.classList.toggle("active", isOpen);
    if (isOpen) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

/** A page that follows goes on with the day at which the one before ended. */
behaviour("[data-side-runs] > section", (section) => {
  let before = section.previousElementSibling;
  while (before?.matches("data")) before = before.previousElementSibling;
  if (!before?.matches("section") || /** @type {HTMLElement} */ (before).dataset.day !== section.dataset.day) return;
  before.querySelector("ul")?.append(...(section.querySelector("ul")?.children ?? []));
  section.remove();
});

document.addEventListener("htmx:afterSettle", () => settle());
document.addEventListener("run:opened", markOpen);
addEventListener("popstate", markOpen);

/** What a search finds is not ours to tell. */
const isSearch = () => Boolean(/** @type {HTMLInputElement | null} */ (document.querySelector("[data-sidebar-form] [name=q]"))?.value.trim());

whenRunsChange((ids) => (ids && ids.length <= PAGE && !isSearch() ? update(ids) : refresh()).catch(showError));
