/** What can be asked of answers: stop them, or have them written again. */

import { send, showError } from "../../ui/js/http.js";
import { ask } from "../../ui/js/live.js";
import { heard, isConnected } from "./answers.js";
import { root } from "./page.js";
import { settings } from "./settings.js";
import { stream } from "./sse.js";
import { reload, syncSoon } from "./thread.js";
import { isWhole } from "./window.js";

/** Stop all answers that are being written here. */
export function stopAnswers() {
  for (const li of root.querySelectorAll("li[data-streaming]")) {
    stop(li.getAttribute("data-task") ?? "").then(syncSoon, showError);
  }
}

/** @param {string} task */
async function stop(task) {
  if (isConnected()) return ask("task:cancel", { task_id: task }).catch(() => byHttp(task));
  return byHttp(task);
}

/** @param {string} task */
const byHttp = (task) => send("POST", `/api/tasks/${task}/cancel`);

/**
 * Have a request answered once more; with another model when one is named or has been chosen for the next answer.
 * @param {string} task @param {string} [model]
 */
export async function answerAgain(task, model) {
  const now = settings();
  const body = { task_id: crypto.randomUUID(), stream: true };
  if (model) Object.assign(body, { model });
  else if (now.changed) Object.assign(body, { model: now.model || undefined, settings: now.settings });
  try {
    await stream(`/api/tasks/${task}/retry`, body, (name, data) => {
      heard(name, data);
      return !isConnected(); // the channel tells the rest
    });
  } catch (error) {
    showError(error);
  }
  await (isWhole() ? syncSoon() : reload());
}
