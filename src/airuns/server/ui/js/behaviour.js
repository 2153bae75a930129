/** Binds behaviour to markup: idempotent, also for what htmx and scripts put in later. */

/** @type {{selector: string, start: (element: HTMLElement) => void, started: WeakSet<Element>}[]} */
const behaviours = [];

/**
 * Call `start` once for each element that matches, now and whenever one comes.
 * @param {string} selector
 * @param {(element: HTMLElement) => void} start
 */
export function behaviour(selector, start) {
  const one = { selector, start, started: new WeakSet() };
  behaviours.push(one);
  apply(one, document);
}

/** @param {typeof behaviours[number]} one @param {ParentNode} within */
function apply(one, within) {
  if (within instanceof Element && within.matches(one.selector)) run(one, within);
  for (const element of within.querySelectorAll(one.selector)) run(one, element);
}

/** @param {typeof behaviours[number]} one @param {Element} element */
function run(one, element) {
  if (one.started.has(element)) return;
  one.started.add(element);
  one.start(/** @type {HTMLElement} */ (element));
}

new MutationObserver((records) => {
  for (const record of records) {
    for (const node of record.addedNodes) {
      if (node instanceof Element) for (const one of behaviours) apply(one, node);
    }
  }
}).observe(document.documentElement, { childList: true, subtree: true });

/**
 * Call `handle` for an event on whatever matches, wherever it is in the page.
 * @param {string} event
 * @param {string} selector
 * @param {(element: HTMLElement, event: Event) => void} handle
 */
export function on(event, selector, handle) {
  document.addEventListener(event, (/** @type {Event} */ what) => {
    const target = /** @type {Element | null} */ (what.target);
    const element = target?.closest?.(selector);
    if (element) handle(/** @type {HTMLElement} */ (element), what);
  });
}
