/** Requests to our own API: JSON both ways, and problems as errors whose message can be shown. */

import { toast } from "./toast.js";

export class Problem extends Error {
  /** @param {{detail: string, status: number, code: string, errors?: {field: string, message: string}[]}} document */
  constructor(document) {
    super(document.detail);
    this.status = document.status;
    this.code = document.code;
    this.errors = document.errors ?? [];
  }
}

export class Offline extends Error {
  constructor() {
    super("The server cannot be reached.");
  }
}

/** @returns {string} what shows that a request comes from a page of ours */
export const formToken = () => document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";

/**
 * Send a request; return what was answered, or null without a body.
 * Throws Problem when it is refused, Offline when nobody answers.
 * @param {string} method
 * @param {string} path
 * @param {object | Blob | null} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>}
 */
export async function send(method, path, body = null, headers = {}) {
  const raw = body instanceof Blob;
  const answer = await reach(path, {
    method,
    body: body === null ? undefined : raw ? body : JSON.stringify(body),
    headers: {
      Accept: "application/json",
      "X-CSRF-Token": formToken(),
      ...(body === null || raw ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
  });
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

/**
 * Fetch a part of a page, which our templates have escaped.
 * @param {string} path
 * @returns {Promise<DocumentFragment>}
 */
export async function fragment(path) {
  const answer = await reach(path, { headers: { Accept: "text/html", "HX-Request": "true" } });
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  return template.content;
}

/**
 * Fetch `path` as it is. Throws Problem when it is refused, Offline when nobody answers.
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<Response>}
 */
export async function reach(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Offline();
  }
  if (answer.ok) return answer;
  throw await problemOf(answer);
}

/** @param {Response} answer */
const problemOf = async (answer) => problem(answer.status, await answer.text());

/** @param {number} status @param {string} text what a refused request was answered */
export function problem(status, text) {
  if (status === 401) signInAgain();
  try {
    return new Problem(JSON.parse(text));
  } catch {
    return new Problem({ detail: `The server answered ${status}.`, status, code: "unknown" });
  }
}

function signInAgain() {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Show what went wrong, once, where everybody looks. @param {unknown} error */
export function showError(error) {
  toast(error instanceof Error ? error.message : String(error), { kind: "error" });
}

document.addEventListener("htmx:configRequest", (event) => {
  /** @type {CustomEvent} */ (event).detail.headers["X-CSRF-Token"] = formToken();
});
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = /** @type {CustomEvent} */ (event).detail;
  if (xhr.status === 401) return signInAgain();
  try {
    showError(JSON.parse(xhr.responseText).detail);
  } catch {
    showError(`The server answered ${xhr.status}.`);
  }
});
document.addEventListener("htmx:sendError", () => showError(new Offline()));
