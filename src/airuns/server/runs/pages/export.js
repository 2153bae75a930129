/** Takes a run's current line away: to the clipboard as Markdown or text, or as a file of JSON. */

import { copyText } from "../../ui/js/copy.js";
import { send } from "../../ui/js/http.js";
import { page } from "./page.js";

const PAGE = 200;
const ROLES = { user: "You", assistant: "Answer", system: "System", developer: "Developer", tool: "Tool" };

/** @typedef {{id: string, role: keyof typeof ROLES, content: any, earlier_messages?: number}} Message */

/** @returns {Promise<Message[]>} the whole line, oldest first */
async function line() {
  const path = `/api/runs/${page.run}/messages?limit=${PAGE}`;
  let found = await send("GET", path);
  const all = found.items;
  while (found.earlier_messages) {
    found = await send("GET", `${path}&before=${all[0].id}`);
    all.unshift(...found.items);
  }
  return all;
}

/** @param {any} content */
const textOf = (content) =>
  Array.isArray(content) ? content.map((part) => part.text ?? `[${part.name ?? part.type}]`).join("\n") : (content ?? "");

/** @param {"markdown" | "text"} form */
export async function copyRun(form) {
  const heading = (/** @type {string} */ role) => (form === "markdown" ? `## ${role}\n\n` : `${role}:\n`);
  const parts = (await line()).map(({ role, content }) => `${heading(ROLES[role])}${textOf(content)}`);
  await copyText(`${parts.join("\n\n")}\n`);
}

/** @param {string} name */
export async function downloadRun(name) {
  const run = await send("GET", `/api/runs/${page.run}`);
  const whole = { ...run, messages: await line(), earlier_messages: 0 };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(whole, null, 2)], { type: "application/json" }));
  link.download = `${name.replace(/[^\p{L}\p{N} _-]+/gu, "").trim() || "run"}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
