/** Touch: an item swiped to the left, an item held, a list pulled down. */

const SLOP_PX = 10;
const FAR_PX = 96;
const HOLD_MS = 500;
const PULL_PX = 56;

/**
 * Follow a finger sideways on what matches, within an element.
 * `moved` gets how far to the left it is; `ended` whether that was far enough.
 * @param {HTMLElement} within @param {string} selector
 * @param {{moved?: (item: HTMLElement, px: number) => void, ended: (item: HTMLElement, far: boolean) => void, held?: (item: HTMLElement, at: {x: number, y: number}) => void}} handle
 */
export function swipeLeft(within, selector, { moved, ended, held }) {
  /** @type {{item: HTMLElement, x: number, y: number, px: number, sideways: boolean, timer: number} | null} */
  let touch = null;

  const stop = (/** @type {boolean} */ far) => {
    if (!touch) return;
    clearTimeout(touch.timer);
    const { item, sideways } = touch;
    touch = null;
    if (sideways) ended(item, far);
  };

  within.addEventListener("pointerdown", (event) => {
    const item = /** @type {Element} */ (event.target).closest(selector);
    if (event.pointerType !== "touch" || !(item instanceof HTMLElement) || !event.isPrimary) return;
    const { clientX: x, clientY: y } = event;
    const timer = setTimeout(() => {
      if (!touch || !held) return;
      swallowClick(within);
      touch = null;
      held(item, { x, y });
    }, HOLD_MS);
    touch = { item, x, y, px: 0, sideways: false, timer };
  });

  within.addEventListener("pointermove", (event) => {
    if (!touch || !event.isPrimary) return;
    const px = touch.x - event.clientX;
    const across = Math.abs(event.clientY - touch.y);
    if (Math.abs(px) < SLOP_PX && across < SLOP_PX) return;
    clearTimeout(touch.timer);
    if (!touch.sideways && across > Math.abs(px)) return stop(false);
    touch.sideways = true;
    touch.px = Math.max(0, px);
    moved?.(touch.item, touch.px);
  });

  within.addEventListener("pointerup", () => {
    if (touch?.sideways) swallowClick(within);
    stop((touch?.px ?? 0) >= FAR_PX);
  });
  within.addEventListener("pointercancel", () => stop(false));
  within.addEventListener("contextmenu", (event) => {
    const byTouch = /** @type {PointerEvent} */ (event).pointerType === "touch";
    if (held && byTouch && /** @type {Element} */ (event.target).closest(selector)) event.preventDefault();
  });
}

/** The click that ends a gesture opens nothing. @param {HTMLElement} within */
function swallowClick(within) {
  const swallow = (/** @type {Event} */ event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  within.addEventListener("click", swallow, { capture: true, once: true });
  within.addEventListener("pointerdown", () => within.removeEventListener("click", swallow, { capture: true }), { once: true, capture: true });
}

/** Call `refresh` when a list that is at its top is pulled down. @param {HTMLElement} list @param {() => Promise<unknown>} refresh */
export function pullDown(list, refresh) {
  /** @type {number | null} */
  let from = null;
  let pulled = 0;

  const show = (/** @type {number} */ px) => {
    pulled = px;
    list.classList.toggle("is-pulled", px > 0);
    list.style.setProperty("--pulled", `${px}px`);
  };

  list.addEventListener("touchstart", (event) => {
    from = list.scrollTop <= 0 && event.touches.length === 1 ? event.touches[0].clientY : null;
  }, { passive: true });
  list.addEventListener("touchmove", (event) => {
    if (from !== null && list.scrollTop <= 0) show(Math.max(0, Math.min((event.touches[0].clientY - from) / 2, PULL_PX)));
  }, { passive: true });
  for (const event of ["touchend", "touchcancel"]) {
    list.addEventListener(event, async () => {
      const enough = event === "touchend" && pulled >= PULL_PX;
      from = null;
      if (enough) await refresh();
      show(0);
    });
  }
}
