/** What the head of a table does with all runs that it lists, shown or not: download them, empty the trash. */

import { on } from "../../ui/js/behaviour.js";
import { whileBusy } from "../../ui/js/form.js";
import { send, showError } from "../../ui/js/http.js";
import { toast } from "../../ui/js/toast.js";
import { chooseExport } from "./export.js";
import { emptyTrash, forGood } from "./run_actions.js";

const TRASH = { deleted: true, archived: null };

/** @param {Record<string, unknown>} filter @returns {Promise<number>} how many runs it matches */
async function count(filter) {
  const query = new URLSearchParams(Object.entries(filter).map(([name, value]) => [name, String(value)]));
  return (await send("GET", `/api/runs/totals?${query}`)).runs;
}

/** Choose how to download what the table lists: what a search has found goes by its ids. */
async function downloadAll() {
  const { matching, filter = "{}" } = /** @type {HTMLElement} */ (document.querySelector("[data-runs]")).dataset;
  const found = matching ? await send("GET", matching) : null;
  /** @type {import("../../exports/pages/choose.js").Which} */
  const which = found ? { ids: found.run_ids } : { filter: JSON.parse(filter) };
  const runs = "ids" in which ? which.ids.length : await count(which.filter);
  if (runs) await chooseExport(which, runs, found?.is_capped);
  else toast("No run is listed: there is nothing to download", { kind: "info" });
}

on("click", "[data-download-all]", (button) => void whileBusy(button, downloadAll).catch(showError));

on("click", "[data-empty-trash]", (button) => {
  const ask = async () => {
    const runs = await count(TRASH);
    if (!runs) toast("The trash is empty", { kind: "info" });
    else if (await forGood(runs)) await emptyTrash(TRASH, runs);
  };
  whileBusy(button, ask).catch(showError);
});
