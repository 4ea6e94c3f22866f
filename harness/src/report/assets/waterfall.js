// The waterfall of a journey: one row a span, linked traces joined as a continuation.
import { h, ms, count, plural } from "./dom.js";

/// Rows that are shown unfolded without asking.
const CALM = 70;

export function waterfall(rows, omitted) {
  if (!rows.length) return h("p", { class: "muted" }, "No span of this journey arrived.");
  const end = Math.max(1, ...rows.map((row) => row.start_us + row.duration_us));
  const percent = (us) => (100 * us) / end;
  const nodes = rows.map((row, index) => ({ row, index, open: true, below: [] }));
  const stack = [];
  for (const node of nodes) {
    stack.length = Math.min(stack.length, node.row.depth);
    node.parent = stack[node.row.depth - 1] ?? null;
    node.parent?.below.push(node);
    stack[node.row.depth] = node;
  }
  const troubled = (node) => node.row.status === "error" || node.below.some(troubled);
  const calm = rows.length <= CALM;
  for (const node of nodes) node.open = calm || node.row.depth < 1 || troubled(node);

  const show = () => {
    for (const node of nodes) {
      const visible = !node.parent || (node.parent.visible && node.parent.open);
      node.visible = visible;
      node.element.hidden = !visible;
      if (node.fold) node.fold.textContent = node.open ? "▾" : "▸";
    }
  };
  const all = (open) => () => {
    for (const node of nodes) node.open = open || node.row.depth < 1;
    show();
  };
  for (const node of nodes) node.element = line(node, percent, show);
  show();

  const traces = new Set(rows.map((row) => row.trace_id)).size;
  const services = new Set(rows.map((row) => row.service)).size;
  const extent = `${plural(rows.length, "span")} of ${plural(services, "service")} in ${plural(traces, "trace")}, ${ms(end / 1000)}`;
  return h("div", { class: "wf" },
    h("div", { class: "bar-head" }, h("span", {}, extent, omitted ? `, ${count(omitted)} more not shown` : ""),
      h("span", {}, h("button", { type: "button", onclick: all(true) }, "unfold all"), "  ·  ", h("button", { type: "button", onclick: all(false) }, "fold"))),
    nodes.map((node) => node.element),
    h("div", { class: "wflegend" },
      h("span", {}, h("i"), "handles a request or message"), h("span", {}, h("i", { class: "outline" }), "calls or sends"),
      h("span", {}, h("i", { class: "faded" }), "works inside"), h("span", {}, h("i", { class: "hop" }), "continues through a message (span link)")));
}

function line(node, percent, show) {
  const { row } = node;
  const indent = Math.min(row.depth, 14) * (innerWidth < 640 ? 6 : 12);
  node.fold = node.below.length ? h("button", { type: "button", class: "fold", "aria-label": "fold" }) : null;
  node.fold?.addEventListener("click", (event) => {
    event.stopPropagation();
    node.open = !node.open;
    show();
  });
  const name = h("span", { class: "wfname", style: `padding-left:${indent}px`, title: `${row.service}: ${row.name}` },
    node.fold ?? h("span", { class: "fold" }), row.linked && h("span", { class: "mark", title: "through a span link" }, "⇢"),
    h("span", { class: "svc" }, row.service), h("span", { class: "op" }, row.name, row.logs.length ? `  ≡${row.logs.length}` : ""));
  const time = h("span", { class: "wftime" });
  if (row.linked && node.parent) {
    const from = node.parent.row.start_us + Math.min(node.parent.row.duration_us, Math.max(0, row.start_us - node.parent.row.start_us));
    if (row.start_us > from) time.append(h("span", { class: "wfhop", style: `left:${percent(from)}%;width:${percent(row.start_us - from)}%` }));
  }
  time.append(h("span", { class: `wfbar ${row.kind}`, style: `left:${percent(row.start_us)}%;width:${percent(row.duration_us)}%` }));
  const element = h("div", { class: `wfrow${row.status === "error" ? " error" : ""}` });
  let more = null;
  const grid = h("div", { class: "wfline", onclick: () => {
    if (more) {
      more.remove();
      more = null;
      return;
    }
    more = h("div", { class: "wfmore" },
      `${row.kind}, ${row.status}, ${ms(row.duration_us / 1000)}, from +${ms(row.start_us / 1000)}`,
      h("div", { class: "mono" }, `trace ${row.trace_id}  span ${row.span_id}`),
      row.logs.map((log) => h("div", { class: "log" }, log)));
    element.append(more);
  } }, name, time, h("span", { class: "wfdur" }, ms(row.duration_us / 1000)));
  element.append(grid);
  return element;
}
