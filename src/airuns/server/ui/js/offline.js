/** Says so while the network is away, or the server is for more than a moment. */

import { behaviour } from "./behaviour.js";
import { whenConnected, whenLost } from "./live.js";

const MOMENT_MS = 3000;

behaviour("[data-offline]", (banner) => {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  let lost = false;
  const show = () => {
    banner.hidden = navigator.onLine && !lost;
    for (const line of banner.querySelectorAll("[data-while]")) {
      /** @type {HTMLElement} */ (line).hidden = (line.getAttribute("data-while") === "offline") === navigator.onLine;
    }
  };
  const losing = () => {
    waiting ??= setTimeout(() => {
      lost = true;
      show();
    }, MOMENT_MS);
  };
  whenConnected(() => {
    clearTimeout(waiting);
    waiting = undefined;
    lost = false;
    show();
  });
  whenLost(losing);
  addEventListener("online", show);
  addEventListener("offline", show);
  losing();
  show();
});
