/** The editor of a prompt: saves it as a version, keeps what is not saved, and settles conflicts. */

import { behaviour } from "../../ui/js/behaviour.js";
import { whileBusy } from "../../ui/js/form.js";
import { fragment, Problem, send, showError } from "../../ui/js/http.js";
import { draftOf, dropDraft, keepDraft } from "./editor_draft.js";
import { clearFaults, cloned, read, showFaults, write } from "./editor_fields.js";
import { label, listVariables } from "./editor_lists.js";
import { changes, promptOf } from "./editor_state.js";
import "./highlights.js";

const PAUSE_MS = 250;

class Editor {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.id = form.dataset.editor ?? "";
    this.timer = 0;
    label(form);
    this.saved = promptOf(read(form)).prompt;
    this.restore();
    form.addEventListener("input", () => this.typed());
    form.addEventListener("change", () => this.typed());
    form.addEventListener("submit", (event) => this.submitted(event));
    addEventListener("pagehide", () => this.keep());
    addEventListener("beforeunload", (event) => this.isDirty && event.preventDefault());
    addEventListener("keydown", (event) => this.pressed(event));
    document.addEventListener("prompt:deleted", () => this.forget());
  }

  /** Whether something is not saved. */
  get isDirty() {
    return Object.keys(changes(this.saved, promptOf(read(this.form)).prompt)).length > 0;
  }

  restore() {
    const draft = draftOf(this.form);
    if (!draft) return;
    const current = this.form.dataset.version;
    write(this.form, draft.state);
    label(this.form);
    listVariables(this.form);
    if (!this.isDirty) return dropDraft(this.form);
    this.form.dataset.version = draft.version;
    this.say("Unsaved changes");
    const notice = this.notify("restored-template");
    notice.querySelector("[data-discard]")?.addEventListener("click", () => this.startAgain());
    if (current !== draft.version) this.conflict().catch(showError);
  }

  typed() {
    clearFaults(this.form);
    listVariables(this.form);
    this.say(this.isDirty ? "Unsaved changes" : this.id ? "Saved" : "");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), PAUSE_MS);
  }

  keep() {
    if (this.isDirty) keepDraft(this.form, read(this.form));
    else dropDraft(this.form);
  }

  /** @param {SubmitEvent} event */
  submitted(event) {
    event.preventDefault();
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    whileBusy(button, () => this.save(button?.value === "run"));
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.form.requestSubmit(/** @type {HTMLElement} */ (document.querySelector('[form="editor"]:not([value])')));
  }

  /** @param {boolean} thenRun */
  async save(thenRun) {
    clearFaults(this.form);
    const { prompt, faults } = promptOf(read(this.form));
    if (faults.length) return void showFaults(this.form, faults);
    this.say("Saving");
    try {
      await this.send(prompt);
    } catch (error) {
      this.say("Not saved", true);
      return this.refused(error);
    }
    dropDraft(this.form);
    if (thenRun) location.assign(`/ai/prompts/run/${this.id}`);
    else if (!this.form.dataset.editor) location.replace(`/ai/prompts/${this.id}/edit`);
  }

  /** @param {Record<string, any>} prompt */
  async send(prompt) {
    if (!this.id) {
      this.id = (await send("POST", "/api/prompts", prompt)).id;
      this.saved = prompt;
      return;
    }
    const changed = changes(this.saved, prompt);
    if (!Object.keys(changed).length) return this.say("Saved");
    const body = { ...changed, version: Number(this.form.dataset.version) };
    if (changed.messages) body.variables = prompt.variables;
    const answer = await send("PATCH", `/api/prompts/${this.id}`, body);
    this.saved = prompt;
    await this.shown(answer);
  }

  /** @param {{version: number, name: string}} answer */
  async shown({ version, name }) {
    const isNew = String(version) !== this.form.dataset.version;
    this.form.dataset.version = String(version);
    document.querySelector("[data-notices]")?.replaceChildren();
    this.say(isNew ? `Saved as version ${version}` : "Saved");
    for (const [selector, text] of [["[data-shown-version]", `v${version}`], ["[data-shown-name]", name]]) {
      const place = document.querySelector(selector);
      if (place) place.textContent = text;
    }
    /** @type {HTMLElement} */ (document.querySelector("[data-prompt]")).dataset.name = name;
    const rows = await fragment(`/ai/prompts/${this.id}/versions`);
    const list = document.querySelector(".version-list");
    list?.replaceChildren(rows);
    if (list) globalThis.htmx.process(list);
  }

  /** @param {unknown} error */
  async refused(error) {
    if (error instanceof Problem && error.status === 409) return this.conflict();
    const faults = error instanceof Problem ? error.errors : [];
    if (!faults.length || !showFaults(this.form, faults)) showError(error);
  }

  /** Somebody saved in between: nothing typed is lost, and the reader chooses. */
  async conflict() {
    const theirs = await send("GET", `/api/prompts/${this.id}`);
    const mine = this.form.dataset.version;
    const notice = this.notify("conflict-template");
    const when = new Date(theirs.updated_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    const fill = (/** @type {string} */ selector, /** @type {string} */ text) => {
      const place = /** @type {HTMLElement} */ (notice.querySelector(selector));
      place.textContent = text;
      return place;
    };
    fill("h2", `Version ${theirs.version} was saved on ${when}, while you were changing version ${mine}`);
    notice.querySelector("[data-differences]")?.setAttribute("href", `/ai/prompts/${this.id}/versions/${theirs.version}?against=${mine}`);
    fill("[data-save-mine]", `Save mine as version ${theirs.version + 1}`).addEventListener("click", () => {
      this.form.dataset.version = String(theirs.version);
      this.saved = {};
      void this.save(false);
    });
    fill("[data-take-theirs]", `Take version ${theirs.version}`).addEventListener("click", () => this.startAgain());
    notice.focus();
  }

  /** What was typed is not wanted any more. */
  forget() {
    this.saved = promptOf(read(this.form)).prompt;
    dropDraft(this.form);
  }

  startAgain() {
    this.forget();
    location.reload();
  }

  /** @param {string} template */
  notify(template) {
    const notice = cloned(template);
    document.querySelector("[data-notices]")?.replaceChildren(notice);
    return notice;
  }

  /** @param {string} text @param {boolean} [isFailed] */
  say(text, isFailed = false) {
    const place = /** @type {HTMLElement} */ (document.querySelector("[data-saved]"));
    place.classList.toggle("failed", isFailed);
    if (place.textContent !== text) place.textContent = text;
  }
}

behaviour("[data-editor]", (element) => new Editor(/** @type {HTMLFormElement} */ (element)));
