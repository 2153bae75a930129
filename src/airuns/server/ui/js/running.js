/** How many answers stream just now, in the bar. */

import { behaviour } from "./behaviour.js";
import { send } from "./http.js";
import { hear, whenConnected } from "./live.js";

const AT_MOST_EVERY_MS = 500;

behaviour("[data-running]", (link) => {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon;
  const count = async () => {
    soon = undefined;
    const { runs } = await send("GET", "/api/runs/totals?last_status=pending");
    link.hidden = runs === 0;
    for (const place of link.querySelectorAll("[data-running-count]")) place.textContent = runs;
  };
  const countSoon = () => {
    soon ??= setTimeout(() => count().catch(() => {}), AT_MOST_EVERY_MS);
  };
  whenConnected(() => count().catch(() => {}));
  for (const event of ["run.changed", "runs.changed"]) {
    hear(event, ({ what }) => event === "runs.changed" || what === "started" || what === "ended" ? countSoon() : undefined);
  }
});
