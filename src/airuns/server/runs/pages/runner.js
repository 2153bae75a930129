/** The runner and the chat: puts their parts together. */

import "./answers.js";
import "./header.js";
import "./turns.js";
import { stopAnswers } from "./actions.js";
import { startComposer } from "./composer.js";
import { flush } from "./outbox.js";
import { page, refreshFrame, root } from "./page.js";
import { whenRunsChange } from "./run_news.js";
import { showWaiting } from "./send.js";
import { syncSoon } from "./thread.js";
import { showTarget, watchEnds } from "./window.js";

whenRunsChange((ids) => {
  if (!page.run || (ids && !ids.includes(page.run))) return;
  refreshFrame();
  if (root.querySelector("[data-thread]")) syncSoon();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  if (document.querySelector("dialog:modal, [popover]:popover-open") || !root.querySelector("li[data-streaming]")) return;
  event.preventDefault();
  stopAnswers();
});

/** Seconds count up beside an answer that is being written. */
function tick() {
  for (const clock of root.querySelectorAll("[data-clock]")) {
    const place = /** @type {HTMLElement} */ (clock);
    place.dataset.since ??= new Date().toISOString();
    const seconds = Math.max(0, (Date.now() - Date.parse(place.dataset.since)) / 1000);
    place.textContent = `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s so far`;
  }
}
setInterval(tick, 200);

startComposer();
showWaiting();
watchEnds();
showTarget();
flush();
