/** What the table behind a chart says: its numbers, and the words of a step. */

/** @typedef {{names: string[], styles: string[], rows: HTMLTableRowElement[], values: (number | null)[][]}} Numbers */

/** @param {HTMLElement} figure @returns {Numbers} */
export function read(figure) {
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
export function stacked(values) {
  const below = values[0]?.map(() => 0) ?? [];
  return values.map((series) => series.map((value, at) => (value === null ? null : (below[at] += value))));
}

/** What a step says, cell by cell. @param {Numbers} numbers @param {number} at */
export function lines(numbers, at) {
  const row = numbers.rows[at];
  const cells = [...row.querySelectorAll("td")];
  const found = numbers.names.map((name, index) => ({ name, style: numbers.styles[index], text: cells[index].textContent ?? "", isKnown: cells[index].hasAttribute("data-value") }));
  const total = row.querySelector("[data-total]");
  const shown = total ? found.filter(({ isKnown }) => isKnown) : found;
  return total ? [...shown, { name: "Total", style: "", text: total.textContent ?? "" }] : shown;
}

/** @param {HTMLElement} readout @param {Numbers} numbers @param {number} at */
export function fill(readout, numbers, at) {
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
