// Chaos: each scenario from its question to its invariants.
import { h, prose, verdict, ms, seconds, count, plural, table } from "./dom.js";
import { timeline } from "./charts.js";
import { generator, thresholds } from "./load.js";

export function chaos(scenarios) {
  return [
    h("p", { class: "muted" }, "Each scenario holds a steady load, breaks one thing, repairs it, waits until everything is at rest, and counts."),
    h("div", { class: "panel" }, h("h3", {}, "Recovery after the end of the fault"), recovery(scenarios)),
    scenarios.map((one) => scenario(one)),
  ];
}

function recovery(scenarios) {
  const longest = Math.max(1, ...scenarios.map((one) => one.recovery_s ?? 0));
  return scenarios.map((one) => {
    const never = one.recovery_s === null || one.recovery_s === undefined;
    const bar = h("i", { class: never ? "never" : null, style: never ? null : `width:${(100 * one.recovery_s) / longest}%` });
    return h("div", { class: "recovery" }, h("span", {}, one.scenario), h("span", { class: "track" }, bar), h("b", {}, never ? "did not recover" : seconds(one.recovery_s)));
  });
}

function scenario(one) {
  const bands = one.faults.map((fault) => ({ from: fault.at_s, until: fault.until_s, label: `${fault.fault} ${fault.target}` }));
  const ended = Math.max(0, ...one.faults.map((fault) => fault.until_s));
  const recovered = one.recovery_s !== null && one.recovery_s !== undefined;
  const marks = recovered && one.faults.length ? [{ at: ended + one.recovery_s, label: "recovered" }] : [];
  const until = Math.max(0, ...one.phases.map((phase) => phase.until_s));
  return h("div", { class: "panel long", id: `scenario-${one.scenario}` },
    h("div", { class: "charthead" }, h("h3", { style: "margin:0" }, one.title || one.scenario), verdict(one.verdict)),
    h("p", { class: "muted small" }, `${one.scenario}, seed ${one.seed}. ${recovered ? `Recovered ${seconds(one.recovery_s)} after the fault ended.` : "It did not recover."}`),
    one.reasons.length ? h("ul", { class: "plain" }, one.reasons.map((text) => h("li", {}, prose(text)))) : null,
    one.load.intervals.length ? [timeline(one.load.intervals, "throughput", bands, until, marks), timeline(one.load.intervals, "latency", bands, until, marks)] : null,
    h("h3", {}, "Faults"), table([
      { title: "Fault", plain: true, cell: (fault) => h("b", {}, fault.fault) },
      { title: "Target", plain: true, wrap: true, cell: (fault) => fault.target },
      { title: "Active", cell: (fault) => `${fault.at_s.toFixed(1)}–${fault.until_s.toFixed(1)} s` },
      { title: "It bit", cell: (fault) => verdict(fault.bitten ? "pass" : "invalid", fault.bitten ? "proven" : "not proven") },
      { title: "Proof", wrap: true, cell: (fault) => prose(fault.evidence) },
    ], one.faults),
    one.thresholds.length ? [h("h3", {}, "Steady state"), steady(one.thresholds)] : null,
    h("h3", {}, `Invariants at rest (${plural(one.invariants.length, "invariant")})`), invariants(one.invariants),
    generator(one.load));
}

function steady(list) {
  const phases = [...new Set(list.map((one) => one.phase))];
  return h("div", { class: "phases" }, phases.map((phase) =>
    h("div", {}, h("h4", {}, phase || "whole run"), thresholds(list.filter((one) => one.phase === phase)))));
}

function invariants(list) {
  if (!list.length) return h("p", { class: "muted" }, "None were judged.");
  return table([
    { title: "Invariant", plain: true, cell: (one) => h("code", {}, one.name) },
    { title: "Promise and result", plain: true, wrap: true, cell: (one) => [h("div", {}, prose(one.says)), h("div", { class: "muted small" }, prose(one.sentence)), witness(one)] },
    { title: "Checked", number: true, cell: (one) => count(one.checked) },
    { title: "Violations", number: true, cell: (one) => count(one.violations) },
    { title: "Result", plain: true, cell: (one) => verdict(one.verdict, one.verdict === "pass" ? "holds" : one.verdict === "fail" ? "violated" : undefined) },
  ], list);
}

function witness(one) {
  if (one.witness === null || one.witness === undefined) return null;
  return h("details", { open: one.verdict === "fail" }, h("summary", { class: "line small" }, "smallest counter-example"),
    h("pre", {}, JSON.stringify(one.witness, null, 2)),
    one.trace_ids.length ? h("div", { class: "mono small muted" }, one.trace_ids.map((id) => h("div", {}, `trace ${id}`))) : null);
}
