// Charts in SVG, drawn at the width they have and drawn again when it changes.
import { h, s, ms, count } from "./dom.js";

const MARGIN = { top: 16, right: 8, bottom: 20, left: 46 };

/// Calls `draw(width)` when the width is known and whenever it changes, and shows what it returns.
function responsive(height, draw) {
  const box = h("div", { class: "chart", style: `height:${height}px` });
  let last = 0;
  const render = () => {
    const width = Math.round(box.clientWidth);
    if (width && width !== last) {
      last = width;
      box.replaceChildren(draw(width));
    }
  };
  new ResizeObserver(render).observe(box);
  return box;
}

function niceStep(span, wanted) {
  const raw = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw) ?? 10 * power;
}

function linear(max, pixels) {
  const step = niceStep(max || 1, 3);
  const top = Math.max(step, Math.ceil((max || 1) / step - 1e-9) * step);
  const ticks = [];
  for (let value = 0; value <= top + step / 2; value += step) ticks.push(value);
  return { ticks, at: (value) => pixels.from + (pixels.to - pixels.from) * (Math.min(value, top) / top) };
}

function logarithmic(min, max, pixels) {
  const low = Math.floor(Math.log10(Math.max(min, 0.01)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(max, 0.02)) - 1e-9));
  const ticks = [];
  for (let power = low; power <= high; power += 1) ticks.push(10 ** power);
  const place = (value) => (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low);
  return { ticks, at: (value) => pixels.from + (pixels.to - pixels.from) * Math.min(1, place(value)) };
}

function axes(svg, width, height, y, yLabel, x, xTicks, xLabel) {
  for (const tick of y.ticks) {
    const at = Math.round(y.at(tick)) + 0.5;
    svg.append(s("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: at, y2: at }));
    svg.append(s("text", { x: MARGIN.left - 6, y: at + 3.5, "text-anchor": "end" }, yLabel(tick)));
  }
  for (const tick of xTicks) {
    svg.append(s("text", { x: x(tick), y: height - 5, "text-anchor": "middle" }, xLabel(tick)));
  }
}

const tickMs = (value) => ms(value).replace(/\.0+(?= )/, "");

const path = (points) => points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/// One second after another, with the bands of faults behind and marks on moments. `kind` is "throughput" or "latency".
export function timeline(intervals, kind, bands = [], until = 0, marks = []) {
  if (!intervals.length) return null;
  const throughput = kind === "throughput";
  const readout = h("span", { class: "muted" });
  const busy = intervals.filter((one) => one.ok + one.failed > 0);
  const keys = throughput
    ? [h("span", { class: "ghost" }, "offered"), h("span", {}, "succeeded"), h("span", { class: "bad" }, "failed")]
    : [h("span", {}, "p50"), h("span", { class: "second" }, "p99")];
  if (bands.length) keys.push(h("span", { class: "band" }, "fault active"));
  const title = throughput ? "Iterations per second" : "Latency from the intended start";

  const height = 168;
  const draw = (width) => {
    const svg = s("svg", { height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
    const end = Math.max(until, ...intervals.map((one) => one.second + 1), 1);
    const x = (second) => MARGIN.left + (width - MARGIN.left - MARGIN.right) * (second / end);
    const pixels = { from: height - MARGIN.bottom, to: MARGIN.top };
    const worst = Math.max(...busy.map((one) => one.p99_ms), 0.1);
    const best = Math.min(...busy.map((one) => one.p50_ms).filter((value) => value > 0), worst);
    const y = throughput
      ? linear(Math.max(...intervals.map((one) => Math.max(one.offered, one.ok + one.failed)), 1), pixels)
      : worst / best > 30 ? logarithmic(best, worst, pixels) : linear(worst, pixels);
    let labelled = -1e9;
    for (const band of bands) {
      const [from, to] = [x(band.from), Math.max(x(band.until), x(band.from) + 3)];
      svg.append(s("rect", { class: "band", x: from, width: to - from, y: MARGIN.top, height: pixels.from - MARGIN.top }));
      for (const edge of [from, to]) svg.append(s("line", { class: "band-edge", x1: edge, x2: edge, y1: MARGIN.top, y2: pixels.from }));
      if (from > labelled) {
        const late = from > width * 0.7;
        svg.append(s("text", { class: "band-label", x: late ? to : from, y: MARGIN.top - 5, "text-anchor": late ? "end" : "start" }, band.label));
        labelled = from + 7 * band.label.length;
      }
    }
    for (const mark of marks) {
      const at = x(mark.at);
      svg.append(s("line", { class: "mark", x1: at, x2: at, y1: MARGIN.top, y2: pixels.from }));
      if (at > labelled + 4 && at < width - 70) svg.append(s("text", { class: "mark-label", x: at, y: MARGIN.top - 5 }, mark.label));
    }
    const step = Math.max(1, niceStep(end, width < 500 ? 4 : 9));
    const xTicks = [];
    for (let tick = 0; tick < end; tick += step) xTicks.push(tick);
    axes(svg, width, height, y, throughput ? count : tickMs, x, xTicks, (tick) => `${tick} s`);
    if (throughput) {
      for (const one of intervals.filter((each) => each.failed > 0)) {
        const top = y.at(one.failed);
        svg.append(s("rect", { class: "bad", x: x(one.second) + 0.5, width: Math.max(1.5, x(one.second + 1) - x(one.second) - 1), y: top, height: pixels.from - top }));
      }
      const middle = (one) => x(one.second + 0.5);
      const ok = intervals.map((one) => [middle(one), y.at(one.ok)]);
      if (ok.length > 1) svg.append(s("path", { class: "area", d: `${path(ok)}L${ok.at(-1)[0]} ${pixels.from}L${ok[0][0]} ${pixels.from}Z` }));
      svg.append(s("path", { class: "line ghost", d: path(intervals.map((one) => [middle(one), y.at(one.offered)])) }));
      svg.append(s("path", { class: "line main", d: path(ok) }));
    } else {
      const line = (key) => path(busy.map((one) => [x(one.second + 0.5), y.at(one[key])]));
      svg.append(s("path", { class: "line second", d: line("p99_ms") }), s("path", { class: "line main", d: line("p50_ms") }));
    }
    const cursor = s("line", { class: "cursor", y1: MARGIN.top, y2: pixels.from, visibility: "hidden" });
    svg.append(cursor);
    svg.addEventListener("pointermove", (event) => {
      const second = Math.floor(((event.clientX - svg.getBoundingClientRect().left - MARGIN.left) / (width - MARGIN.left - MARGIN.right)) * end);
      const one = intervals.find((each) => each.second === second);
      if (!one) return;
      for (const name of ["x1", "x2"]) cursor.setAttribute(name, x(second + 0.5));
      cursor.setAttribute("visibility", "visible");
      readout.textContent = throughput
        ? `second ${second}: ${one.offered} offered, ${one.ok} succeeded, ${one.failed} failed`
        : `second ${second}: p50 ${ms(one.p50_ms)}, p99 ${ms(one.p99_ms)}`;
    });
    svg.addEventListener("pointerleave", () => {
      cursor.setAttribute("visibility", "hidden");
      readout.textContent = "";
    });
    return svg;
  };
  const head = h("div", { class: "charthead" }, h("b", {}, title), readout, h("span", { class: "key" }, keys));
  return h("div", { class: "graph" }, head, responsive(height, draw));
}

/// Latency by percentile, the rare ones spread out. `curves` are { label, style, points: [[percentile, ms]] }.
export function percentiles(curves) {
  const shown = curves.filter((curve) => curve.points.length > 1 && curve.points.some(([, value]) => value > 0));
  const height = 210;
  const draw = (width) => {
    const svg = s("svg", { height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Latency by percentile" });
    const rarity = (percentile) => Math.log10(1 / Math.max(1 - percentile / 100, 1e-6));
    const points = shown.flatMap((curve) => curve.points);
    const end = Math.max(2, Math.min(5, Math.max(...points.filter(([p]) => p < 100).map(([p]) => rarity(p)))));
    const x = (percentile) => MARGIN.left + (width - MARGIN.left - MARGIN.right - 10) * (Math.min(rarity(percentile), end) / end);
    const values = points.map(([, value]) => value).filter((value) => value > 0);
    const y = logarithmic(Math.min(...values), Math.max(...values), { from: height - MARGIN.bottom, to: MARGIN.top });
    const ticks = [50, 90, 99, 99.9, 99.99, 99.999].filter((tick) => rarity(tick) <= end + 1e-9);
    axes(svg, width, height, y, tickMs, x, ticks, (tick) => `${tick} %`);
    for (const curve of shown) {
      svg.append(s("path", { class: `line ${curve.style}`, d: path(curve.points.map(([p, value]) => [x(p), y.at(value)])) }));
    }
    return svg;
  };
  const keys = shown.map((curve) => h("span", { class: curve.style }, curve.label));
  const head = h("div", { class: "charthead" }, h("b", {}, "Latency by percentile"), h("span", { class: "key" }, keys));
  return shown.length ? h("div", {}, head, responsive(height, draw)) : null;
}
