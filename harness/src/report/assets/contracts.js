// The contract matrix and every interaction behind it.
import { h, prose, verdict, ms, count, plural, table, seconds } from "./dom.js";
import { waterfall } from "./waterfall.js";

const WORST = ["fail", "aborted", "invalid", "skipped", "pass"];
/// What is pending need not hold yet, so it is never shown as broken.
const shown = (one) => (one.pending && one.verdict !== "pass" ? "skipped" : one.verdict);
export const worst = (verdicts) => WORST.find((one) => verdicts.includes(one)) ?? "skipped";

export function contracts(result) {
  const all = result.interactions;
  const intro = h("p", { class: "muted" },
    `${result.verified} of ${plural(result.expected, "interaction")} verified against the running providers in ${seconds(result.wall_s)}.`,
    result.recorded ? " Pacts were recorded anew in this run." : "",
    result.partial ? " A filter left interactions out: this says nothing of the whole pacts." : "");
  const parts = [intro];
  if (result.error) parts.push(h("p", {}, prose(result.error)));
  for (const note of result.notes ?? []) parts.push(h("p", {}, prose(note)));
  if (result.drift.length) {
    parts.push(h("h3", {}, "Recorded pacts differ from the committed ones"), h("ul", { class: "plain" }, result.drift.map((text) => h("li", {}, prose(text)))));
  }
  if (all.length) parts.push(h("div", { class: "panel" }, matrix(all)), h("div", { class: "panel long" }, pairs(all)));
  return parts;
}

function matrix(all) {
  const consumers = [...new Set(all.map((one) => one.consumer))].sort();
  const providers = [...new Set(all.map((one) => one.provider))].sort();
  const cell = (consumer, provider) => {
    const found = all.filter((one) => one.consumer === consumer && one.provider === provider);
    if (!found.length) return h("td", {}, h("span", { class: "cell" }, "·"));
    const good = found.filter((one) => one.verdict === "pass").length;
    const result = worst(found.map(shown));
    const kinds = [...new Set(found.map((one) => one.kind))].join(", ");
    const label = result === "pass" ? `${good} hold` : `${found.length - good} of ${found.length} ${result === "fail" ? "broken" : result}`;
    return h("td", {}, h("a", { class: `cell ${result}`, href: `#${anchor(consumer, provider)}` }, label, h("small", {}, kinds)));
  };
  const head = h("tr", {}, h("th"), providers.map((provider) => h("th", {}, provider)));
  const body = consumers.map((consumer) => h("tr", {}, h("th", {}, consumer), providers.map((provider) => cell(consumer, provider))));
  return h("div", { class: "matrix" }, h("div", { class: "axes" }, "Consumers down, providers across."),
    h("div", { class: "scroll" }, h("table", {}, h("thead", {}, head), h("tbody", {}, body))));
}

const anchor = (consumer, provider) => `pair-${consumer}-${provider}`.replaceAll(/[^\w-]/g, "_");

/// Why an interaction did not hold; what is flaky comes first, because it puts the rest into doubt.
export function reasons(one) {
  if (!one.flaky) return one.mismatches;
  const { replays, failed, seeds, after } = one.flaky;
  const found = after ? `leaking state: fails only after ${after}, in ${failed} of ${replays} replays` : `flaky: failed in ${failed} of ${replays} replays`;
  return [found + (seeds.length ? `, with ${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")}` : ""), ...one.mismatches];
}

/// What the provider said about a replay that did not hold: its log lines and its spans.
function evidence(one) {
  if (!one.evidence) return null;
  const { logs, logs_omitted, waterfall: spans, waterfall_omitted } = one.evidence;
  const what = `${plural(logs.length + logs_omitted, "log line")}, ${plural(spans.length + waterfall_omitted, "span")}`;
  return h("details", {}, h("summary", { class: "line small muted" }, `What ${one.provider} said: ${what}`),
    h("div", { class: "mono small" }, `trace ${one.trace_id}`),
    logs_omitted ? h("div", { class: "small muted" }, `${count(logs_omitted)} earlier lines are not shown`) : null,
    logs.length ? h("pre", {}, logs.join("\n")) : null,
    spans.length ? waterfall(spans, waterfall_omitted) : h("p", { class: "small muted" }, "No span of this replay arrived."));
}

function pairs(all) {
  const names = [...new Set(all.map((one) => `${one.consumer}\n${one.provider}`))].sort();
  return names.map((name) => {
    const [consumer, provider] = name.split("\n");
    const found = all.filter((one) => one.consumer === consumer && one.provider === provider);
    const result = worst(found.map(shown));
    const rows = table([
      { title: "Interaction", wrap: true, plain: true, cell: (one) => [one.description, one.states?.length ? h("div", { class: "small muted" }, `given ${one.states.join(" and ")}`) : null, reasons(one).map((text) => h("div", { class: "mono small" }, text)), evidence(one)] },
      { title: "Kind", cell: (one) => one.kind },
      { title: "Took", number: true, cell: (one) => ms(one.duration_ms) },
      { title: "Result", plain: true, cell: (one) => shown(one) === one.verdict ? verdict(one.verdict) : verdict("skipped", "pending") },
    ], found);
    return h("details", { id: anchor(consumer, provider), open: result === "fail" },
      h("summary", { class: "line" }, h("span", { class: "grow" }, `${consumer} → ${provider}`, h("span", { class: "muted" }, `  ${plural(found.length, "interaction")}`)), verdict(result)), rows);
  });
}
