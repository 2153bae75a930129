/** Tries a provider where it stands in the list, and says there what came of it. */

import { on } from "../../ui/js/behaviour.js";
import { whileBusy } from "../../ui/js/form.js";
import { send } from "../../ui/js/http.js";

const REFUSED = [401, 403];

on("click", "[data-probe]", (button) => {
  const form = formOf(button.dataset.probe ?? "");
  if (asksForModel(form) && !modelOf(form).value) return modelOf(form).focus();
  tryIt(form, button, modelOf(form).value);
});

on("submit", "[data-probe-of]", (form, event) => {
  event.preventDefault();
  if (modelOf(form).value) tryIt(form, form.querySelector("button"), modelOf(form).value);
  else modelOf(form).focus();
});

/** @param {HTMLElement} form @param {Element | null} button @param {string} model */
function tryIt(form, button, model) {
  whileBusy(button, async () => {
    const body = model ? { model } : {};
    try {
      tell(form, await send("POST", `/api/model-providers/${encodeURIComponent(form.dataset.probeOf ?? "")}/test`, body), model);
    } catch (error) {
      tell(form, { ok: false, message: /** @type {Error} */ (error).message }, model);
    }
  });
}

/**
 * @param {HTMLElement} form
 * @param {{ok: boolean, message: string, status?: number | null, models?: string[] | null, seconds?: number}} outcome
 * @param {string} model
 */
function tell(form, outcome, model) {
  form.hidden = false;
  for (const line of form.querySelectorAll("p")) {
    const shown = line.classList.contains("good") === outcome.ok;
    line.hidden = !shown;
    const text = line.querySelector("span");
    if (shown && text) text.textContent = outcome.ok ? praise(outcome, model) : blame(outcome);
  }
  if (!outcome.ok && !REFUSED.includes(outcome.status ?? 0)) asks(form).hidden = false;
}

/** @param {{models?: string[] | null, seconds?: number}} outcome @param {string} model */
function praise({ models, seconds = 0 }, model) {
  const took = seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
  if (!models) return `${model} answers, in ${took}`;
  return `Works: ${models.length.toLocaleString("en")} ${models.length === 1 ? "model" : "models"}, in ${took}`;
}

/** @param {{message: string, status?: number | null}} outcome */
const blame = ({ message, status }) => (status ? `${status}: ${message}` : message);

/** @param {string} name */
const formOf = (name) => /** @type {HTMLElement} */ (document.querySelector(`[data-probe-of="${CSS.escape(name)}"]`));

/** @param {HTMLElement} form */
const asks = (form) => /** @type {HTMLElement} */ (form.querySelector("[data-probe-model]"));

/** @param {HTMLElement} form */
const asksForModel = (form) => !asks(form).hidden;

/** @param {HTMLElement} form */
const modelOf = (form) => /** @type {HTMLInputElement} */ (form.querySelector("input"));
