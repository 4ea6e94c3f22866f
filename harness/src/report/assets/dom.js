// Building elements and wording values. Text is only ever set as text, so data cannot become markup.

export const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/// A sentence in which `quoted` parts are code.
export const prose = (text) => text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));

const WORDS = { pass: "passed", fail: "failed", invalid: "not proven", aborted: "aborted", skipped: "skipped" };
export const verdict = (name, word) => h("span", { class: `verdict ${name}` }, word ?? WORDS[name] ?? name);

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
export const count = (value) => grouped.format(value);
export const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : (many ?? one + "s")}`;

export function ms(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  if (value >= 100) return `${value.toFixed(0)} ms`;
  if (value >= 1) return `${value.toFixed(1)} ms`;
  if (value === 0) return "0 ms";
  return `${Math.max(1, Math.round(value * 1000))} µs`;
}
export const seconds = (value) => (value === null || value === undefined ? "–" : value < 0.1 ? ms(value * 1000) : `${value.toFixed(value < 10 ? 2 : 1)} s`);
export const rate = (value) => `${value.toFixed(value < 100 ? 1 : 0)}/s`;
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const mib = value / 1048576;
  return mib >= 1024 ? `${(mib / 1024).toFixed(2)} GiB` : `${mib.toFixed(mib < 10 ? 1 : 0)} MiB`;
}

/// A table. Columns are { title, cell, number, wrap }; on a phone, rows become small stacks labelled by title.
export function table(columns, rows) {
  const head = h("tr", {}, columns.map((column) => h("th", { class: column.number ? "n" : null }, column.title)));
  const body = rows.map((row) =>
    h("tr", {}, columns.map((column) =>
      h("td", { class: column.number ? "n" : column.wrap ? "wrap" : null, "data-label": column.plain ? null : column.title }, column.cell(row)))));
  return h("div", { class: "scroll" }, h("table", { class: "stack" }, h("thead", {}, head), h("tbody", {}, body)));
}
