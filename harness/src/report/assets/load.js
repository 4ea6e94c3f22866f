// Load: rates, latencies, thresholds and the generator's own health.
import { h, prose, verdict, ms, rate, count, plural, table } from "./dom.js";
import { timeline, percentiles } from "./charts.js";

export function load(result) {
  const facts = [
    ["Offered", rate(result.offered_per_s)], ["Achieved", rate(result.achieved_per_s)],
    ["Median", ms(result.response.p50_ms)], ["p99", ms(result.response.p99_ms)], ["p99.9", ms(result.response.p999_ms)],
    ["Slowest", ms(result.response.max_ms)], ["Failed", `${count(result.errors)} of ${count(result.offered)}`],
  ];
  return [
    h("p", { class: "muted" }, `Open model: ${plural(result.offered, "iteration")} started on a fixed random schedule, whether or not the ones before had ended. Latency counts from the intended start.`),
    result.reasons.length ? h("ul", { class: "plain" }, result.reasons.map((text) => h("li", {}, prose(text)))) : null,
    h("div", { class: "panel" }, h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
      timeline(result.intervals, "throughput"), timeline(result.intervals, "latency")),
    h("div", { class: "panel two" },
      h("div", {}, percentiles([
        { label: "from the intended start", style: "main", points: result.response.curve },
        { label: "from the actual start (uncorrected)", style: "ghost", points: result.service.curve },
      ])),
      h("div", {}, h("h3", { style: "margin-top:0" }, "Thresholds"), thresholds(result.thresholds), generator(result))),
    operations(result.operations),
  ];
}

export function thresholds(list) {
  if (!list.length) return h("p", { class: "muted" }, "None were set.");
  return list.map((one) => h("div", { class: "check" }, h("span", {}, h("code", {}, one.expression), h("span", { class: "muted" }, `  ${one.measured}`)), verdict(one.verdict, one.verdict === "pass" ? "held" : undefined)));
}

export function generator(result) {
  const late = result.lag.p99_ms;
  return h("p", { class: "muted small" },
    `Generator: it started iterations ${ms(late)} late at the 99th percentile, ${ms(result.lag.max_ms)} at worst, and shed ${count(result.shed)}. Schedule digest `,
    h("code", {}, result.schedule_digest || "–"), ".");
}

function operations(list) {
  const rows = Object.entries(list).map(([name, of]) => ({ name, ...of }));
  if (!rows.length) return null;
  return h("div", { class: "panel" }, h("h3", {}, "Operations, from the moment each was sent"), table([
    { title: "Operation", plain: true, wrap: true, cell: (one) => one.name },
    { title: "Requests", number: true, cell: (one) => count(one.count) },
    { title: "p50", number: true, cell: (one) => ms(one.p50_ms) },
    { title: "p90", number: true, cell: (one) => ms(one.p90_ms) },
    { title: "p99", number: true, cell: (one) => ms(one.p99_ms) },
    { title: "Slowest", number: true, cell: (one) => ms(one.max_ms) },
  ], rows));
}
