/** Rules for old runs: what they would change is shown while they are edited, and asked before they are saved. */

import { behaviour } from "../../ui/js/behaviour.js";
import { confirmed } from "../../ui/js/confirm.js";
import { clearProblem, showProblem, whileBusy } from "../../ui/js/form.js";
import { Problem, send, showError } from "../../ui/js/http.js";
import { toast } from "../../ui/js/toast.js";

/** @typedef {{runs: number, messages: number, oldest: string | null}} Match */

const PAUSE_MS = 300;
const LIST = new Intl.ListFormat("en");

/** @param {number} count @param {string} noun */
const some = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** @type {Record<string, (what: string) => string>} what a rule does, as "archive 12 runs" */
const DOES = {
  archive: (what) => `archive ${what}`,
  delete: (what) => `move ${what} to the trash`,
  purge: (what) => `delete ${what} for good`,
};

behaviour("[data-rules]", (element) => {
  const form = /** @type {HTMLFormElement} */ (element);
  const list = /** @type {HTMLElement} */ (form.querySelector("[data-rule-list]"));
  const save = /** @type {HTMLButtonElement} */ (form.querySelector("[data-rules-save]"));
  const state = /** @type {HTMLElement} */ (form.querySelector("[data-rules-state]"));
  const items = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[data-rule]")]);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon;
  let asked = 0;
  let made = 0;
  let saved = JSON.stringify(items().map(ruleOf));

  /** Say of each rule what it would change now. @returns {Promise<Match[]>} */
  async function preview() {
    const mine = ++asked;
    for (const field of form.querySelectorAll("[aria-invalid]")) clearProblem(/** @type {any} */ (field));
    const rules = items().map(ruleOf);
    if (!rules.length) return [];
    const { items: matches } = await send("POST", "/api/retention/preview", { rules });
    if (mine === asked) items().forEach((item, at) => say(item, matches[at]));
    return matches;
  }

  /** @param {unknown} error */
  function refused(error) {
    const found = error instanceof Problem ? error.errors : [];
    for (const { field, message } of found) {
      const [, at, name] = /^rules\[(\d+)\]\.(\w+)/.exec(field) ?? [];
      const input = items()[Number(at)]?.querySelector(`[name="${name}"]`);
      if (!input) return showError(error);
      showProblem(/** @type {HTMLInputElement} */ (input), message);
      const told = items()[Number(at)].querySelector("[data-rule-match]");
      if (told) told.textContent = "";
    }
    if (!found.length) showError(error);
  }

  function changed() {
    const isSaved = JSON.stringify(items().map(ruleOf)) === saved;
    save.disabled = isSaved;
    state.textContent = isSaved ? "" : "Not saved yet";
    /** @type {HTMLElement} */ (form.querySelector("[data-no-rules]")).hidden = items().length > 0;
    /** @type {HTMLButtonElement} */ (form.querySelector("[data-rule-add]")).disabled = items().length >= Number(form.dataset.most);
    for (const item of items()) nameDays(item);
    clearTimeout(soon);
    soon = setTimeout(() => preview().catch(refused), PAUSE_MS);
  }

  function add() {
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("rule-template"));
    const item = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
    const key = `n${++made}`;
    for (const one of item.querySelectorAll("[id]")) one.id = one.id.replace("new", key);
    for (const label of item.querySelectorAll("label[for]")) label.setAttribute("for", (label.getAttribute("for") ?? "").replace("new", key));
    list.append(item);
    item.querySelector("select")?.focus();
    changed();
  }

  async function keep() {
    const matches = await preview();
    const rules = items().map(ruleOf);
    const does = matches.flatMap(({ runs }, at) => (runs ? [DOES[rules[at].action](some(runs, "run"))] : []));
    if (does.length) {
      const forGood = rules.some(({ action }, at) => action === "purge" && matches[at].runs);
      const text = `They are applied at once, and would ${LIST.format(does)}. ${forGood ? "What is deleted for good does not come back." : "You can bring these back."}`;
      if (!(await confirmed({ title: "Save these rules?", text, verb: "Save and apply" }))) return;
    }
    await send("PUT", "/api/retention", { rules });
    saved = JSON.stringify(rules);
    toast("Rules saved");
    changed();
    globalThis.htmx.trigger("#retention-state", "refresh");
  }

  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(save, () => keep().catch(refused));
  });
  form.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (target.closest("[data-rule-add]")) add();
    const gone = target.closest("[data-rule-remove]")?.closest("[data-rule]");
    if (!gone) return;
    const next = gone.nextElementSibling ?? gone.previousElementSibling;
    gone.remove();
    /** @type {HTMLElement | null} */ (next?.querySelector("[data-rule-remove]") ?? form.querySelector("[data-rule-add]"))?.focus();
    changed();
  });
  changed();
});

/** @param {HTMLElement} item */
function ruleOf(item) {
  const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (item.querySelector(`[name="${name}"]`));
  return {
    action: field("action").value,
    days: Number(field("days").value),
    source_type: field("source_type").value || null,
    tag: field("tag").value.trim() || null,
    starred: !field("keep_starred").checked,
  };
}

/** Say what the days of a rule are counted from. @param {HTMLElement} item */
function nameDays(item) {
  for (const words of item.querySelectorAll("[data-rule-since]")) {
    /** @type {HTMLElement} */ (words).hidden = !words.getAttribute("data-rule-since")?.split(" ").includes(ruleOf(item).action);
  }
}

/** @param {HTMLElement} item @param {Match | undefined} match */
function say(item, match) {
  const place = item.querySelector("[data-rule-match]");
  if (!place || !match) return;
  const oldest = match.oldest ? `, the oldest of ${new Date(match.oldest).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })}` : "";
  const what = match.runs ? `${some(match.runs, "run")} with ${some(match.messages, "message")}` : "nothing";
  place.textContent = `Would ${DOES[ruleOf(item).action](what)} now${oldest}`;
}
