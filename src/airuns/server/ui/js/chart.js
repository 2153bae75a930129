/**
 * Draws the figures of ui/_chart.html from their tables, with uPlot: `data-chart="bars"` (on each other)
 * or "lines". The pointer and the arrow keys read values; a click or Enter opens what is behind them;
 * drawing over steps chooses them (event `chart:range` with {since, until}).
 */

import { behaviour } from "./behaviour.js";
import { say } from "./say.js";

/** @typedef {{names: string[], styles: string[], rows: HTMLTableRowElement[], values: (number | null)[][]}} Numbers */

const short = (/** @type {number} */ value) => {
  for (const [size, mark] of /** @type {[number, string][]} */ ([[1e9, " G"], [1e6, " M"], [1e3, " k"]])) {
    if (Math.abs(value) >= size) return `${+(value / size).toPrecision(3)}${mark}`;
  }
  return `${+value.toPrecision(3)}`;
};
/** @type {Record<string, (value: number) => string>} */
const UNITS = {
  usd: (value) => `$${short(value)}`,
  count: short,
  rate: short,
  seconds: (value) => `${short(value)} s`,
  percent: (value) => `${short(value)} %`,
};
const GAP = 10;

/** @param {HTMLElement} figure @returns {Numbers} */
function read(figure) {
  const heads = [...figure.querySelectorAll("th[data-series]")];
  const rows = /** @type {HTMLTableRowElement[]} */ ([...figure.querySelectorAll("tbody tr")]);
  const cells = rows.map((row) => [...row.querySelectorAll("td:not([data-total])")].map((cell) => cell.getAttribute("data-value")));
  return {
    names: heads.map((head) => head.textContent ?? ""),
    styles: heads.map((head) => head.getAttribute("data-series") ?? ""),
    rows,
    values: heads.map((_, at) => cells.map((row) => (row[at] == null ? null : Number(row[at])))),
  };
}

/** What stands at each step on top of the series before it. @param {(number | null)[][]} values */
function stacked(values) {
  const below = values[0]?.map(() => 0) ?? [];
  return values.map((series) => series.map((value, at) => (value === null ? null : (below[at] += value))));
}

/** A colour as it is now, in either theme. @param {HTMLElement} figure @param {string} style */
function colour(figure, style) {
  const swatch = document.createElement("span");
  swatch.className = `swatch ${style}`;
  figure.append(swatch);
  const found = getComputedStyle(swatch).backgroundColor;
  swatch.remove();
  return found;
}

/** @param {HTMLElement} figure @param {string} name of a token */
function token(figure, name) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  figure.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** @param {HTMLElement} figure @param {Numbers} numbers @param {boolean} isBars */
function series(figure, numbers, isBars) {
  const paths = isBars ? uPlot.paths.bars({ size: [0.64, 40] }) : uPlot.paths.linear();
  const all = numbers.names.map((label, at) => {
    const own = () => colour(figure, numbers.styles[at]);
    return isBars
      ? { label, paths, fill: own, stroke: () => token(figure, "sheet"), width: 1, points: { show: false } }
      : { label, paths, stroke: own, width: 1.75, points: { show: numbers.rows.length < 3, fill: own } };
  });
  return isBars ? all.reverse() : all;
}

/** @param {HTMLElement} figure @param {Numbers} numbers */
function axes(figure, numbers) {
  const style = getComputedStyle(figure);
  const shared = {
    font: `${style.fontSize} ${style.fontFamily}`,
    stroke: () => token(figure, "ink-3"),
    ticks: { show: false },
  };
  const unit = UNITS[figure.dataset.unit ?? "count"];
  return [
    {
      ...shared,
      grid: { show: false },
      space: 56,
      size: 28,
      incrs: [1, 2, 3, 5, 7, 10, 14, 20, 30, 60, 90, 120, 180, 365],
      values: (/** @type {unknown} */ _, /** @type {number[]} */ at) => at.map((one) => numbers.rows[one]?.dataset.tick ?? ""),
    },
    {
      ...shared,
      grid: { stroke: () => token(figure, "hairline"), width: 1 },
      space: 36,
      size: (/** @type {any} */ _, /** @type {string[] | null} */ labels) => 14 + 7 * Math.max(2, ...(labels ?? []).map((label) => label.length)),
      values: (/** @type {unknown} */ _, /** @type {number[]} */ at) => at.map(unit),
    },
  ];
}

/** What a step says, cell by cell. @param {Numbers} numbers @param {number} at */
function lines(numbers, at) {
  const row = numbers.rows[at];
  const cells = [...row.querySelectorAll("td")];
  const found = numbers.names.map((name, index) => ({ name, style: numbers.styles[index], text: cells[index].textContent ?? "", isKnown: cells[index].hasAttribute("data-value") }));
  const total = row.querySelector("[data-total]");
  const shown = total ? found.filter(({ isKnown }) => isKnown) : found;
  return total ? [...shown, { name: "Total", style: "", text: total.textContent ?? "" }] : shown;
}

/** @param {HTMLElement} readout @param {Numbers} numbers @param {number} at */
function fill(readout, numbers, at) {
  const title = document.createElement("strong");
  title.textContent = numbers.rows[at].cells[0].textContent;
  const list = document.createElement("ul");
  for (const { name, style, text } of lines(numbers, at)) {
    const line = document.createElement("li");
    const [label, value] = [document.createElement("span"), document.createElement("b")];
    if (style) line.append(Object.assign(document.createElement("span"), { className: `swatch ${style}` }));
    [label.textContent, value.textContent] = [name, text];
    line.append(label, value);
    list.append(line);
  }
  readout.replaceChildren(title, list);
}

/** @param {HTMLElement} figure @param {any} plot @param {HTMLElement} readout @param {Numbers} numbers */
function show(figure, plot, readout, numbers) {
  const at = plot.cursor.idx;
  const row = at == null || plot.cursor.left < 0 ? undefined : numbers.rows[at];
  readout.hidden = !row;
  if (!row) return;
  fill(readout, numbers, at);
  const x = plot.over.offsetLeft + plot.valToPos(at, "x");
  const fits = x + GAP + readout.offsetWidth < figure.clientWidth;
  readout.style.insetInlineStart = `${fits ? x + GAP : Math.max(0, x - GAP - readout.offsetWidth)}px`;
}

/** @param {HTMLElement} figure @param {HTMLElement} box @param {any} plot @param {Numbers} numbers */
function keys(figure, box, plot, numbers) {
  const open = () => numbers.rows[plot.cursor.idx]?.querySelector("a")?.click();
  const go = (/** @type {number} */ at) => {
    const index = Math.max(0, Math.min(numbers.rows.length - 1, at));
    plot.setCursor({ left: plot.valToPos(index, "x"), top: 0 });
    say(`${numbers.rows[index].cells[0].textContent}: ${lines(numbers, index).map(({ name, text }) => `${name} ${text}`).join(", ")}`);
  };
  const hide = () => plot.setCursor({ left: -10, top: -10 });
  box.addEventListener("keydown", (event) => {
    const now = plot.cursor.left < 0 ? null : plot.cursor.idx;
    const last = numbers.rows.length - 1;
    const to = { ArrowLeft: (now ?? last + 1) - 1, ArrowRight: (now ?? -1) + 1, Home: 0, End: last }[event.key];
    if (to !== undefined) go(to);
    else if (event.key === "Enter") open();
    else if (event.key === "Escape" && now !== null) hide();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  box.addEventListener("blur", hide);
  if (matchMedia("(hover: hover)").matches) plot.over.addEventListener("click", () => plot.select.width < 2 && open());
}

/** @param {HTMLElement} figure @param {any} plot @param {Numbers} numbers */
function choose(figure, plot, numbers) {
  const { left, width } = plot.select;
  if (width < 2) return;
  const at = (/** @type {number} */ x) => numbers.rows[plot.posToIdx(x)]?.dataset ?? {};
  const detail = { since: at(left).since, until: at(left + width).until };
  if (detail.since) figure.dispatchEvent(new CustomEvent("chart:range", { bubbles: true, detail }));
}

behaviour("[data-chart]", (figure) => {
  const box = /** @type {HTMLElement} */ (figure.querySelector("[data-plot]"));
  const readout = /** @type {HTMLElement} */ (figure.querySelector("[data-readout]"));
  const numbers = read(figure);
  if (!numbers.rows.length) return;
  const isBars = figure.dataset.chart === "bars";
  const values = isBars ? stacked(numbers.values).reverse() : numbers.values;
  const size = () => ({ width: box.clientWidth, height: box.clientHeight });
  const plot = new uPlot(
    {
      ...size(),
      padding: [8, 2, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: !isBars }, drag: { x: true, y: false, setScale: false } },
      scales: {
        x: { time: false, range: [-0.5, numbers.rows.length - 0.5] },
        y: { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number | null} */ max) => [0, max ? uPlot.rangeNum(0, max, 0.08, true)[1] : 1] },
      },
      axes: axes(figure, numbers),
      series: [{}, ...series(figure, numbers, isBars)],
      hooks: {
        setCursor: [(/** @type {any} */ own) => show(figure, own, readout, numbers)],
        setSelect: [(/** @type {any} */ own) => choose(figure, own, numbers)],
      },
    },
    [numbers.rows.map((_, at) => at), ...values],
    box,
  );
  keys(figure, box, plot, numbers);
  new ResizeObserver(() => plot.setSize(size())).observe(box);
  const repaint = () => figure.isConnected && plot.redraw(false, true);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
});
