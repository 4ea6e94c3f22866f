// The contract matrix and every interaction behind it.
import { h, prose, verdict, ms, plural, table, seconds } from "./dom.js";

const WORST = ["fail", "aborted", "invalid", "skipped", "pass"];
export const worst = (verdicts) => WORST.find((one) => verdicts.includes(one)) ?? "skipped";

export function contracts(result) {
  const all = result.interactions;
  const intro = h("p", { class: "muted" },
    `${result.verified} of ${plural(result.expected, "interaction")} verified against the running providers in ${seconds(result.wall_s)}.`,
    result.recorded ? " Pacts were recorded anew in this run." : "");
  const parts = [intro];
  if (result.error) parts.push(h("p", {}, prose(result.error)));
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
    const result = worst(found.map((one) => one.verdict));
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

function pairs(all) {
  const names = [...new Set(all.map((one) => `${one.consumer}\n${one.provider}`))].sort();
  return names.map((name) => {
    const [consumer, provider] = name.split("\n");
    const found = all.filter((one) => one.consumer === consumer && one.provider === provider);
    const result = worst(found.map((one) => one.verdict));
    const rows = table([
      { title: "Interaction", wrap: true, plain: true, cell: (one) => [one.description, one.mismatches.map((text) => h("div", { class: "mono small" }, text))] },
      { title: "Kind", cell: (one) => one.kind },
      { title: "Took", number: true, cell: (one) => ms(one.duration_ms) },
      { title: "Result", plain: true, cell: (one) => verdict(one.verdict) },
    ], found);
    return h("details", { id: anchor(consumer, provider), open: result === "fail" },
      h("summary", { class: "line" }, h("span", { class: "grow" }, `${consumer} → ${provider}`, h("span", { class: "muted" }, `  ${plural(found.length, "interaction")}`)), verdict(result)), rows);
  });
}
