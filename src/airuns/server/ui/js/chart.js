/**
 * Draws the figures of ui/_chart.html from their tables, with uPlot: `data-chart="bars"` (on each other)
 * or "lines". The pointer and the arrow keys read values; a click or Enter opens what is behind them;
 * drawing over steps chooses them (event `chart:range` with {since, until}).
 */

import { behaviour } from "./behaviour.js";
import { fill, lines, read, stacked } from "./chart_values.js";
import { say } from "./say.js";

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
const TOKENS = ["sheet", "ink-3", "hairline"];

/** Colours as they are now, in either theme, read at one go. @param {HTMLElement} figure @param {string[]} styles */
function colours(figure, styles) {
  const probes = document.createElement("span");
  for (const name of [...styles, ...TOKENS]) {
    const probe = document.createElement("i");
    if (TOKENS.includes(name)) probe.style.backgroundColor = `var(--${name})`;
    else probe.className = `swatch ${name}`;
    probe.dataset.name = name;
    probes.append(probe);
  }
  figure.append(probes);
  const found = new Map([...probes.children].map((probe) => [/** @type {HTMLElement} */ (probe).dataset.name, getComputedStyle(probe).backgroundColor]));
  probes.remove();
  return found;
}

/** @typedef {(name: string) => () => string | undefined} Paint of a style or token, asked for at each drawing */

/** @param {Paint} paint @param {import("./chart_values.js").Numbers} numbers @param {boolean} isBars */
function series(paint, numbers, isBars) {
  const paths = isBars ? uPlot.paths.bars({ size: [0.64, 40] }) : uPlot.paths.linear();
  const all = numbers.names.map((label, at) => {
    const own = paint(numbers.styles[at]);
    return isBars
      ? { label, paths, fill: own, stroke: paint("sheet"), width: 1, points: { show: false } }
      : { label, paths, stroke: own, width: 1.75, points: { show: true, size: 5, fill: own, filter: () => lonely(numbers.values[at]) } };
  });
  return isBars ? all.reverse() : all;
}

/** The values that no line would show, because none is beside them. @param {(number | null)[]} values */
const lonely = (values) => values.flatMap((value, at) => (value !== null && values[at - 1] == null && values[at + 1] == null ? [at] : []));

/** @param {HTMLElement} figure @param {Paint} paint @param {import("./chart_values.js").Numbers} numbers */
function axes(figure, paint, numbers) {
  const style = getComputedStyle(figure);
  const shared = {
    font: `${style.fontSize} ${style.fontFamily}`,
    stroke: paint("ink-3"),
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
      grid: { stroke: paint("hairline"), width: 1 },
      space: 36,
      size: (/** @type {any} */ _, /** @type {string[] | null} */ labels) => 14 + 7 * Math.max(2, ...(labels ?? []).map((label) => label.length)),
      values: (/** @type {unknown} */ _, /** @type {number[]} */ at) => at.map(unit),
    },
  ];
}

/** @param {HTMLElement} figure @param {any} plot @param {HTMLElement} readout @param {import("./chart_values.js").Numbers} numbers */
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

/** @param {HTMLElement} figure @param {HTMLElement} box @param {any} plot @param {import("./chart_values.js").Numbers} numbers */
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

/** @param {HTMLElement} figure @param {any} plot @param {import("./chart_values.js").Numbers} numbers */
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
  let painted = colours(figure, numbers.styles);
  const paint = (/** @type {string} */ name) => () => painted.get(name);
  const size = () => ({ width: box.clientWidth, height: box.clientHeight });
  const plot = new uPlot(
    {
      ...size(),
      padding: [8, 12, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: !isBars }, drag: { x: true, y: false, setScale: false } },
      scales: {
        x: { time: false, range: [-0.5, numbers.rows.length - 0.5] },
        y: { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number | null} */ max) => [0, max ? uPlot.rangeNum(0, max, 0.08, true)[1] : 1] },
      },
      axes: axes(figure, paint, numbers),
      series: [{}, ...series(paint, numbers, isBars)],
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
  const repaint = () => {
    painted = colours(figure, numbers.styles);
    plot.redraw(false, true);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
});
