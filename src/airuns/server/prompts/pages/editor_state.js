/**
 * What the editor's fields hold, as they were typed, and the prompt that they make.
 *
 * @typedef {{role: string, text: string, hasParts: boolean}} MessageState
 * @typedef {{default: string, raw: string, required: boolean, description: string}} VariableState
 * @typedef {{name: string, description: string, tags: string[], messages: MessageState[],
 *   variables: Record<string, VariableState>, model: string, numbers: Record<string, string>, others: string}} State
 * @typedef {{field: string, message: string}} Fault
 */

import { variableNames } from "./placeholders.js";

const NUMBERS = {
  temperature: { says: "a number from 0 on, such as 0.7", fits: (/** @type {number} */ n) => n >= 0 },
  max_tokens: { says: "a whole number from 1 on, such as 1000", fits: (/** @type {number} */ n) => Number.isInteger(n) && n >= 1 },
  top_p: { says: "a number from 0 to 1, such as 0.9", fits: (/** @type {number} */ n) => n >= 0 && n <= 1 },
};

/** @param {string} text @returns {unknown} what it is as JSON, or undefined */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {MessageState} message */
const contentOf = ({ text, hasParts }) => (hasParts ? parsed(text) : text);

/** The names that the messages have now. @param {State} state */
export const namesIn = (state) => variableNames(state.messages.map((one) => ({ content: contentOf(one) })));

/** @param {VariableState} state @returns {unknown} the default; one that was no text and was not touched stays so */
function defaultOf(state) {
  const raw = parsed(state.raw) ?? null;
  const shown = typeof raw === "string" ? raw : raw === null ? "" : JSON.stringify(raw);
  return state.default === shown ? raw : state.default || null;
}

/**
 * Make the prompt to send, and say what cannot be sent.
 * @param {State} state
 * @returns {{prompt: Record<string, any>, faults: Fault[]}}
 */
export function promptOf(state) {
  /** @type {Fault[]} */
  const faults = [];
  if (!state.name.trim()) faults.push({ field: "name", message: "Give the prompt a name" });
  const messages = state.messages.map((one, at) => {
    const content = contentOf(one);
    if (one.hasParts && !Array.isArray(content)) {
      faults.push({ field: `messages[${at}].content`, message: 'Write a list of parts as JSON, such as [{"type": "text", "text": "…"}]' });
    }
    return { role: one.role, content };
  });
  const variables = namesIn(state).map((name) => {
    const one = state.variables[name];
    return { name, default: one ? defaultOf(one) : null, required: one?.required ?? true, description: one?.description ?? "" };
  });
  const { name, description, tags } = state;
  return { prompt: { name, description, tags, messages, variables, settings: settingsOf(state, faults) }, faults };
}

/** @param {State} state @param {Fault[]} faults */
function settingsOf(state, faults) {
  /** @type {Record<string, unknown>} */
  const settings = state.model ? { model: state.model } : {};
  for (const [name, { says, fits }] of Object.entries(NUMBERS)) {
    const text = (state.numbers[name] ?? "").trim();
    if (!text) continue;
    settings[name] = Number(text.replace(",", "."));
    if (!fits(/** @type {number} */ (settings[name]))) faults.push({ field: name, message: `Give ${says}` });
  }
  if (!state.others.trim()) return settings;
  const others = parsed(state.others);
  if (typeof others !== "object" || others === null || Array.isArray(others)) {
    faults.push({ field: "others", message: 'Write an object as JSON, such as {"stop": ["END"]}' });
    return settings;
  }
  const twice = Object.keys(others).find((name) => name in settings);
  if (twice) faults.push({ field: "others", message: `${twice} has a field of its own above` });
  return { ...settings, ...others };
}

/**
 * Return the parts of a prompt that differ from what was saved. The variables go with their messages.
 * @param {Record<string, any>} saved
 * @param {Record<string, any>} now
 */
export function changes(saved, now) {
  const names = Object.keys(now).filter((name) => JSON.stringify(now[name]) !== JSON.stringify(saved[name]));
  return Object.fromEntries(names.map((name) => [name, now[name]]));
}
