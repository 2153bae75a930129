/** Takes a file from the server, and says what is wrong when there is none: a plain link could not. */

import { reach } from "./http.js";

const KEPT_MS = 60_000;
const NAME = /filename\*=UTF-8''([^;]+)/;

/**
 * Fetch a file and save it under the name that the server gives it.
 * Throws Problem when it is refused, Offline when nobody answers, and an Error when it breaks off.
 * @param {string} path
 * @param {AbortSignal} [signal]
 */
export async function download(path, signal) {
  const answer = await reach(path, { signal });
  const name = NAME.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "export";
  save(await whole(answer), decodeURIComponent(name));
}

/** @param {Response} answer @returns {Promise<Blob>} */
async function whole(answer) {
  try {
    return await answer.blob();
  } catch {
    throw new Error("The file broke off before its end, so it was not saved. Try again.");
  }
}

/** @param {Blob} content @param {string} name */
function save(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}
