/** Says answers to screen readers as they are written: whole sentences, politely, and not all at once. */

const SENTENCE = /[^.!?…。！？\n]*(?:[.!?…]+(?=\s)|[。！？]|\n)+/gu;
const KEPT = 6;
const WORDS = { completed: "Answer complete.", error: "The answer failed.", timeout: "No answer in time.", cancelled: "Stopped." };

/** @type {Map<string, string>} */
const unsaid = new Map();

/** @param {string} text */
function say(text) {
  const region = document.querySelector("[data-announce]");
  if (!region || !text.trim()) return;
  const line = document.createElement("p");
  line.textContent = text.trim();
  region.append(line);
  while (region.children.length > KEPT) region.firstElementChild?.remove();
}

/** Take a piece of an answer; say the sentences that are whole. @param {string} task @param {string} text */
export function announce(task, text) {
  const all = (unsaid.get(task) ?? "") + text;
  const sentences = all.match(SENTENCE)?.join("") ?? "";
  say(sentences);
  unsaid.set(task, all.slice(sentences.length));
}

/** Say the rest, and that it was the end. @param {string} task @param {keyof WORDS} status */
export function announceEnd(task, status) {
  say(unsaid.get(task) ?? "");
  say(WORDS[status] ?? WORDS.completed);
  unsaid.delete(task);
}
