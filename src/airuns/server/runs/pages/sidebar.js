/** The sidebar: beside the page on a desktop, a drawer from the left on a phone. */

import { behaviour, on } from "../../ui/js/behaviour.js";
import { showError } from "../../ui/js/http.js";
import { shortcut } from "../../ui/js/keys.js";
import { change, itemOf } from "./run_actions.js";
import { openMenu } from "./run_menu.js";
import { refresh } from "./sidebar_list.js";
import { pullDown, swipeLeft } from "./swipe.js";

const YEAR_S = 31_536_000;

const sidebar = () => document.querySelector("[data-sidebar]");

/** Hide or show it, now and on the pages that follow. */
export function toggleSidebar() {
  const isHidden = sidebar()?.classList.toggle("is-hidden") ?? false;
  document.cookie = `airuns_sidebar=${isHidden ? "hidden" : ""}; path=/; max-age=${isHidden ? YEAR_S : 0}; samesite=lax`;
  for (const button of document.querySelectorAll("[data-sidebar-toggle]")) button.setAttribute("aria-expanded", String(!isHidden));
}

on("click", "[data-sidebar-toggle]", toggleSidebar);

on("click", "[data-sidebar-find]", (button) => {
  const fields = /** @type {HTMLElement} */ (document.getElementById("side-find"));
  fields.hidden = !fields.hidden;
  button.setAttribute("aria-expanded", String(!fields.hidden));
  if (!fields.hidden) fields.querySelector("input")?.focus();
});

shortcut("b", { label: "Hide or show the runs", group: "Everywhere", icon: "panel", when: () => Boolean(sidebar()), run: toggleSidebar });

/** @param {HTMLElement} item @param {number} px */
function slide(item, px) {
  item.classList.add("is-swiped");
  item.style.translate = `${-px}px`;
}

/** @param {HTMLElement} item */
function slideBack(item) {
  item.classList.remove("is-swiped");
  item.style.translate = "";
}

/** An item goes when it is swiped away; elsewhere a swipe closes the drawer. @param {HTMLElement} part */
function swipedAway(part) {
  const run = itemOf(part);
  if (!run) return part.hidePopover();
  part.hidden = true;
  change("delete", { ids: [run.id] }).catch((error) => {
    part.hidden = false;
    showError(error);
  });
}

behaviour("[data-sidebar]", (drawer) => {
  swipeLeft(drawer, "[data-run-item], [data-sidebar]:popover-open", {
    moved: slide,
    ended(part, far) {
      slideBack(part);
      if (far) swipedAway(part);
    },
    held: openMenu,
  });
});

behaviour("[data-pull-to-refresh]", (list) => pullDown(list, () => refresh().catch(showError)));
