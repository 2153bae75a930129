/** Says something to those who do not see it: politely, or at once. */

/** @param {string} text @param {{urgent?: boolean}} [how] */
export function say(text, { urgent = false } = {}) {
  const region = document.querySelector(urgent ? "[data-say-now]" : "[data-say]");
  if (!region) return;
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}
