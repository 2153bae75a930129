/** What has changed among the runs: in this tab, in another, or on another device. */

import { hear } from "../../ui/js/live.js";

const GATHER_MS = 120;

/** @type {((ids: string[] | null) => unknown)[]} */
const listeners = [];
/** @type {Set<string>} */
const ids = new Set();
let any = false;
/** @type {number | undefined} */
let timer;

/** Call `handle` with the runs that have changed; with null when any may have. @param {typeof listeners[number]} handle */
export function whenRunsChange(handle) {
  listeners.push(handle);
}

/** Say that runs have changed; null says that any may have. @param {string[] | null} changed */
export function runsChanged(changed) {
  if (changed) for (const id of changed) ids.add(id);
  else any = true;
  timer ??= setTimeout(tell, GATHER_MS);
}

function tell() {
  timer = undefined;
  const changed = any ? null : [...ids];
  ids.clear();
  any = false;
  for (const handle of listeners) handle(changed);
}

hear("run.changed", ({ run_id }) => runsChanged([run_id]));
hear("runs.changed", () => runsChanged(null));
