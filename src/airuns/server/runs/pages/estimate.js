/** What the next request will about cost: the context so far and the text, at the model's price for input. */

const CHARACTERS_A_TOKEN = 4;
const MILLION = 1_000_000;

/** @param {number} usd */
const money = (usd) => (usd >= 1 ? `$${usd.toFixed(2)}` : usd < 0.00005 ? "< $0.0001" : `$${usd.toFixed(4)}`);

/** @param {HTMLElement} composer @param {string} text */
export function estimate(composer, text) {
  const place = /** @type {HTMLElement} */ (composer.querySelector("[data-estimate]"));
  const preview = document.querySelector("[data-preview]")?.textContent?.length ?? 0;
  const last = [...document.querySelectorAll("[data-thread] [data-tokens]")].at(-1);
  const context = Number(last?.getAttribute("data-tokens")) || 0;
  const tokens = Math.round(context + (preview + text.length) / CHARACTERS_A_TOKEN);
  const model = /** @type {HTMLElement | null} */ (composer.querySelector("[name=model]"));
  const price = model?.dataset.inputPrice;
  const cost = price ? ` · ${money((tokens * Number(price)) / MILLION)}` : "";
  place.textContent = text.trim() || preview ? `≈ ${tokens.toLocaleString("en-US")} tokens in${cost}` : "";
}
