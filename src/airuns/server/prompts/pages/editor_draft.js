/** What was typed and not saved, kept in this browser until it is. */

/** @typedef {{version: string, state: import("./editor_state.js").State}} Draft */

/** @param {HTMLFormElement} form */
const keyOf = (form) => `airuns:prompt:${document.body.dataset.user}:${form.dataset.draft}`;

/** @param {HTMLFormElement} form @param {import("./editor_state.js").State} state */
export function keepDraft(form, state) {
  try {
    localStorage.setItem(keyOf(form), JSON.stringify({ version: form.dataset.version, state }));
  } catch {
    // The browser's store is full or closed: leaving still asks.
  }
}

/** @param {HTMLFormElement} form @returns {Draft | null} */
export function draftOf(form) {
  try {
    return JSON.parse(localStorage.getItem(keyOf(form)) ?? "null");
  } catch {
    return null;
  }
}

/** @param {HTMLFormElement} form */
export function dropDraft(form) {
  localStorage.removeItem(keyOf(form));
}
