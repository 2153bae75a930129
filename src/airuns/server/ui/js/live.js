/** The one live connection of a page: rooms are joined again after every break. */

import { io } from "../vendor/socket.io.esm.min.js";
import { Problem, send } from "./http.js";

/** @type {import("socket.io-client").Socket | undefined} */
let socket;
/** How far this page's news are; the server says runs.changed to a connection that missed some. */
let mark = document.body.dataset.news;

const ANSWER_MS = 10_000;
const BACK_MS = 1000;

/** @returns {import("socket.io-client").Socket} the connection, opened at its first use */
function connection() {
  if (!socket) {
    const auth = (/** @type {(proof: object) => void} */ give) => give({ mark });
    socket = io({ auth, transports: ["websocket", "polling"], reconnectionDelay: 300, reconnectionDelayMax: 3000 });
    for (const event of ["run.changed", "runs.changed", "exports.changed"]) socket.on(event, (data) => (mark = data.mark));
    socket.on("disconnect", comeBack);
    socket.on("connect_error", comeBack);
  }
  return socket;
}

/**
 * Connect again after the server has turned us away, which the client does not try by itself: it is
 * starting anew, or the session has ended, and then asking who we are leads to the sign-in page.
 */
function comeBack() {
  if (!socket || socket.active) return;
  setTimeout(() => send("GET", "/api/me").then(() => socket?.connect(), (error) => error.status === 401 || comeBack()), BACK_MS);
}

/**
 * Hear an event of the server; returns how to stop. See docs/api.md for the events.
 * @param {string} event
 * @param {(data: any) => void} handle
 * @returns {() => void}
 */
export function hear(event, handle) {
  connection().on(event, handle);
  return () => void connection().off(event, handle);
}

/**
 * Ask the server; the answer, or a Problem thrown. Throws an Error when nobody answers in 10 s.
 * @param {string} name
 * @param {object} data
 * @returns {Promise<any>}
 */
export async function ask(name, data) {
  const answer = await connection().timeout(ANSWER_MS).emitWithAck(name, data);
  if (answer?.error) throw new Problem(answer.error);
  return answer;
}

/** Call `handle` at once if connected, and after every connect. @param {() => void} handle */
export function whenConnected(handle) {
  connection().on("connect", handle);
  if (connection().connected) handle();
}

/** Call `handle` whenever the connection is lost. @param {() => void} handle */
export function whenLost(handle) {
  connection().on("disconnect", handle);
}
