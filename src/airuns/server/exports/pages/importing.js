/** Imports a file that is chosen or dropped: how far it is, and line by line what came of it. */

import { behaviour } from "../../ui/js/behaviour.js";
import { formToken, problem } from "../../ui/js/http.js";

/** @typedef {{kind: string, id: string | null, reason: string, place: string, title: string}} Refusal */
/** @typedef {Record<string, number>} Counts by kinds of records */
/** @typedef {{added: Counts, there: Counts, grown: Counts, left_out: Counts, refused: Counts, reasons: Refusal[]}} Report */
/** @typedef {{sent?: number, share?: number, runs?: number}} Progress `sent` is the share of the file that the server has */
/** @typedef {{share: number, runs: number, report?: Report, error?: string}} Line of the answer, while it is imported and at the end */

/** What people call the kinds, in the order in which they are told. @type {Record<string, string>} */
const NOUNS = {
  run: "run", message: "message", task: "request", attachment: "file", prompt: "prompt", version: "prompt version",
  provider: "provider", alias: "model name", model: "model", budget: "budget", rules: "set of rules",
};

const STOPPED = new Error("Stopped");
const LINES = "application/x-ndjson";

/** @param {number} share */
const percent = (share) => `${Math.floor(share * 100)} %`;

/** @param {number} count @param {string} noun */
const some = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 || noun.endsWith("s") ? "" : "s"}`;

/** @param {Counts} counts */
const told = (counts) =>
  Object.keys(NOUNS).filter((kind) => counts[kind]).map((kind) => some(counts[kind], NOUNS[kind])).join(", ");

/** @param {Counts} counts of what is no conversation */
const leftOut = (counts) => Object.entries(counts).map(([kind, count]) => some(count, kind === "file" ? "other file" : kind)).join(", ");

behaviour("[data-import]", (place) => {
  const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (place.querySelector(`[data-import-${name}]`));
  const chooser = /** @type {HTMLInputElement} */ (part("file"));
  const drop = part("drop");
  const bar = /** @type {HTMLProgressElement} */ (place.querySelector("progress"));
  /** @type {XMLHttpRequest | undefined} */
  let request;
  let said = "";

  /** @param {File | undefined} file */
  async function take(file) {
    if (!file || request) return;
    begin(file);
    try {
      if (file.size > Number(place.dataset.most)) throw new Error(`It is larger than ${place.dataset.mostWords}, the most that this server takes.`);
      request = new XMLHttpRequest();
      tell(await upload(request, file, progress));
    } catch (error) {
      if (error !== STOPPED) show("error", `“${file.name}” was not imported`, error.message, []);
    } finally {
      request = undefined;
      part("progress").hidden = true;
      drop.hidden = false;
      chooser.value = "";
    }
  }

  /** @param {File} file */
  function begin(file) {
    part("name").textContent = file.name;
    said = "";
    progress({ sent: 0 });
    drop.hidden = true;
    part("report").hidden = true;
    part("progress").hidden = false;
  }

  /** @param {Progress} now */
  function progress({ sent = 1, share, runs = 0 }) {
    const value = sent < 1 ? sent : share;
    if (value === undefined) bar.removeAttribute("value");
    else bar.value = value;
    part("state").textContent = sent < 1 ? `Uploading, ${percent(sent)}` : runs ? `${some(runs, "run")}, ${percent(share ?? 0)}` : "Being read…";
    const step = sent < 1 ? "Uploading" : "Importing";
    if (said !== step) part("spoken").textContent = said = step; // not each per cent
    part("stop").hidden = sent >= 1;
    part("leave").hidden = sent < 1;
  }

  /** @param {Report} report */
  function tell({ added, there, grown, left_out, refused, reasons }) {
    const count = Object.values(refused).reduce((sum, each) => sum + each, 0);
    const { run = 0, ...more } = added;
    const lines = [];
    if (told(more)) lines.push(`${run || grown.run ? "With" : "Came:"} ${told(more)}.`);
    if (told(grown)) lines.push(`Here already, and has got what is new: ${told(grown)}.`);
    if (told(there)) lines.push(`Here already, and left as it was: ${told(there)}.`);
    if (leftOut(left_out)) lines.push(`Left out: ${leftOut(left_out)}.`);
    if (added.provider) lines.push("Keys of providers are in no archive: enter them again under Providers.");
    show(count ? "timeout" : "success", run || !count ? `${some(run, "run")} imported` : "No runs were imported", lines.join(" "), reasons, count);
  }

  /** @param {"success" | "error" | "timeout"} kind @param {string} title @param {string} text @param {Refusal[]} reasons */
  function show(kind, title, text, reasons, refused = reasons.length) {
    const report = part("report");
    report.className = `notice ${kind}`;
    const use = report.querySelector("use");
    use?.setAttribute("href", (use.getAttribute("href") ?? "").replace(/#.*/, kind === "success" ? "#success" : "#error"));
    part("title").textContent = title;
    part("text").textContent = text;
    part("text").hidden = !text;
    part("reasons").hidden = !refused;
    const heading = /** @type {HTMLElement} */ (report.querySelector("h4"));
    heading.textContent = `${refused.toLocaleString("en")} refused${refused > reasons.length ? `; the first ${reasons.length.toLocaleString("en")}` : ""}:`;
    report.querySelector("ul")?.replaceChildren(...reasons.map(line));
    report.hidden = false;
    report.focus();
    report.scrollIntoView({ block: "nearest" });
  }

  chooser.addEventListener("change", () => take(chooser.files?.[0]));
  part("stop").addEventListener("click", () => request?.abort());
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("is-over");
    take(event.dataTransfer?.files[0]);
  });
});

/** @param {Refusal} refusal */
function line({ kind, id, reason, place, title }) {
  const item = document.createElement("li");
  const what = document.createElement(title ? "strong" : "b"); // a name in words, or an id
  what.textContent = `${title || (id ? `${kind} ${id}` : kind)}${place ? ` (${place})` : ""}:`;
  item.append(what, ` ${reason}`);
  return item;
}

/** @param {XMLHttpRequest} request @param {File} file @param {(now: Progress) => void} progress @returns {Promise<Report>} */
function upload(request, file, progress) {
  return new Promise((resolve, reject) => {
    request.open("POST", "/api/import");
    request.setRequestHeader("X-CSRF-Token", formToken());
    request.setRequestHeader("Accept", LINES);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", ({ loaded, total }) => progress({ sent: total ? loaded / total : 0 }));
    request.upload.addEventListener("load", () => progress({}));
    request.addEventListener("progress", () => {
      const now = last(request.responseText);
      if (now?.share !== undefined) progress(now);
    });
    request.addEventListener("load", () => {
      const end = request.status < 300 ? last(request.responseText) : undefined;
      if (end?.report) resolve(end.report);
      else reject(end?.error ? new Error(end.error) : problem(request.status, request.responseText));
    });
    request.addEventListener("abort", () => reject(STOPPED));
    request.addEventListener("error", () => reject(new Error("The server cannot be reached. Import it again: what has come stays, and does not come twice.")));
    request.send(file);
  });
}

/** Return the last whole line of an answer that is still coming. @param {string} text @returns {Line | undefined} */
function last(text) {
  const end = text.lastIndexOf("\n");
  return end < 0 ? undefined : JSON.parse(text.slice(text.lastIndexOf("\n", end - 1) + 1, end));
}
