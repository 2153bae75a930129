/**
 * Parts of a page that stay true: `data-hear="runs.changed"` names the news after which one is fetched
 * anew, by its htmx trigger `refresh`. While something in it is under way ([data-under-way]) it is every second.
 */

import { behaviour } from "./behaviour.js";
import { hear, whenConnected } from "./live.js";

const GATHER_MS = 200;
const LOOK_MS = 1000;

behaviour("[data-hear]", (part) => {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon;
  const refresh = () => {
    soon = undefined;
    globalThis.htmx.trigger(part, "refresh");
  };
  const refreshSoon = () => {
    soon ??= setTimeout(refresh, GATHER_MS);
  };
  for (const event of (part.dataset.hear ?? "").split(" ")) hear(event, refreshSoon);
  whenConnected(refreshSoon);
  const timer = setInterval(() => {
    if (!part.isConnected) clearInterval(timer);
    else if (part.querySelector("[data-under-way]")) refresh();
  }, LOOK_MS);
});
