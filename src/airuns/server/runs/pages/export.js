/** Takes runs away as the server's exports have them: to the clipboard, or as files. */

import { copyText } from "../../ui/js/copy.js";
import { reach } from "../../ui/js/http.js";

export { chooseExport } from "../../exports/pages/choose.js";

/** Copy a run's current line. @param {string} run @param {"markdown" | "text"} format */
export async function copyRun(run, format) {
  const answer = await reach(`/api/runs/${run}/export?format=${format}`, {});
  await copyText(await answer.text());
}
