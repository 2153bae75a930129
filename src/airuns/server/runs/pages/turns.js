/** What can be done with one turn: copy, edit, answer again, fork, or look at another version. */

import { pickModel } from "../../models/pages/picker.js";
import { on } from "../../ui/js/behaviour.js";
import { copyText } from "../../ui/js/copy.js";
import { whileBusy } from "../../ui/js/form.js";
import { send, showError } from "../../ui/js/http.js";
import { shortcut } from "../../ui/js/keys.js";
import { answerAgain } from "./actions.js";
import { showRequest } from "./details.js";
import { edit } from "./edit.js";
import { page, root } from "./page.js";
import { items, reload } from "./thread.js";

const AROUND = 100;

/** @param {HTMLElement} li @returns {Promise<any>} the message as it was written */
export async function sourceOf(li) {
  const { items: found } = await send("GET", `/api/runs/${page.run}/messages?end=${li.dataset.message}&limit=1`);
  return found[0].content;
}

/** @param {any} content */
const textOf = (content) =>
  Array.isArray(content) ? content.map((part) => part.text ?? "").filter(Boolean).join("\n") : (content ?? "");

/** @param {string} message */
async function turnTo(message) {
  await send("PATCH", `/api/runs/${page.run}`, { head_message_id: message });
  await reload(AROUND);
  document.getElementById(`m-${message}`)?.querySelector(".branch")?.closest("li")?.setAttribute("tabindex", "-1");
}

/** @param {string | null} message */
export async function fork(message) {
  const made = await send("POST", `/api/runs/${page.run}/fork`, message ? { message_id: message } : {});
  location.assign(`/ai/runs/${made.id}`);
}

/** @type {Record<string, (li: HTMLElement, task: string) => unknown>} */
const ACTS = {
  copy: async (li) => copyText(textOf(await sourceOf(li))),
  edit: async (li) => edit(li, await sourceOf(li)),
  regenerate: (li) => answerAgain(li.dataset.task ?? ""),
  retry: (_, task) => answerAgain(task),
  "retry-with": async (_, task) => {
    const option = await pickModel();
    if (option?.choice) await answerAgain(task, option.choice);
  },
  response: (_, task) => showRequest(task),
  fork: (li) => fork(li.dataset.message ?? null),
};

on("click", "[data-act]", (button) => {
  const li = /** @type {HTMLElement | null} */ (button.closest("li"));
  const act = ACTS[button.dataset.act ?? ""];
  if (li && act) whileBusy(button, async () => void (await act(li, button.dataset.of ?? ""))).catch(showError);
});

on("click", "[data-turn-to]", (button) => {
  const to = button.dataset.turnTo;
  if (to) whileBusy(button, () => turnTo(to)).catch(showError);
});

/** @param {string} kind @param {string} selector @returns {HTMLElement | null} a part of the last turn of a kind */
function ofLast(kind, selector) {
  const li = items().findLast((one) => one.matches(kind) && one.querySelector(selector));
  return /** @type {HTMLElement | null} */ (li?.querySelector(selector) ?? null);
}

/** Edit the last message that one wrote. */
export const editLast = () => ofLast(".user", "[data-act=edit]")?.click();

const group = "Conversation";
const here = () => Boolean(page.run) && items().length > 0;
shortcut("e", { label: "Edit my last message", group, icon: "pencil", when: here, run: editLast });
shortcut("y", { label: "Answer again", group, icon: "retry", when: here, run: () => ofLast(".assistant", "[data-act=regenerate], [data-act=retry]")?.click() });
shortcut("c", { label: "Copy the answer", group, icon: "copy", when: here, run: () => ofLast(".assistant", "[data-act=copy]")?.click() });
shortcut("[", { label: "Version before", group, when: here, menu: false, run: () => ofLast("li", ".branch button:first-child:enabled")?.click() });
shortcut("]", { label: "Version after", group, when: here, menu: false, run: () => ofLast("li", ".branch button:last-child:enabled")?.click() });
shortcut("escape", { label: "Stop the answer", group, menu: false });

root.addEventListener("keydown", (event) => {
  const field = /** @type {HTMLTextAreaElement} */ (event.target);
  if (event.key === "ArrowUp" && field.matches("[data-message-text]") && !field.value) {
    event.preventDefault();
    editLast();
  }
});
