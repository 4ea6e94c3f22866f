// The report: reads the run that is embedded in the page and lays it out.
import { h, prose, verdict, ms, seconds, rate, bytes, count, plural, table } from "./dom.js";
import { waterfall } from "./waterfall.js";
import { contracts, reasons, worst } from "./contracts.js";
import { drift } from "./drift.js";
import { load } from "./load.js";
import { chaos } from "./chaos.js";

const run = JSON.parse(document.getElementById("run").textContent);

function tile(title, href, result, big, small, sub) {
  return h("a", { class: "tile", href }, h("div", { class: "top" }, h("span", {}, title), verdict(result)),
    h("div", { class: "big" }, big, " ", h("small", {}, small)), h("div", { class: "sub" }, sub));
}

function tiles() {
  const passed = run.journeys.journeys.filter((one) => one.verdict === "pass").length;
  const survived = run.chaos.filter((one) => one.verdict === "pass").length;
  const recovered = run.chaos.map((one) => one.recovery_s).filter((value) => value !== null && value !== undefined);
  const checked = run.chaos.flatMap((one) => one.invariants).reduce((sum, one) => sum + one.checked, 0);
  return h("div", { class: "tiles" },
    tile("Contracts", "#contracts", run.contracts.verdict, run.contracts.verified, `of ${run.contracts.expected}`, "interactions hold"),
    tile("Journeys", "#journeys", run.journeys.verdict, passed, `of ${run.journeys.journeys.length}`, "user stories work"),
    tile("Telemetry", "#telemetry", run.telemetry.verdict, count(run.telemetry.orphan_spans), "orphans", `${plural(run.telemetry.flows, "flow")}, ${plural(run.telemetry.spans, "span")}`),
    tile("Load", "#load", run.load.verdict, ms(run.load.response.p99_ms), "p99", `at ${rate(run.load.achieved_per_s)}, ${plural(run.load.errors, "failure")}`),
    tile("Chaos", "#chaos", worst(run.chaos.map((one) => one.verdict)), survived, `of ${run.chaos.length}`,
      recovered.length ? `survived, back in ${seconds(Math.max(...recovered))}, ${count(checked)} checks` : "scenarios survived"));
}

function problems() {
  const found = [];
  const add = (where, text) => found.push(h("li", {}, h("b", {}, where), "  ", prose(text)));
  if (run.contracts.error) add("Contracts", run.contracts.error);
  for (const one of run.contracts.interactions.filter((each) => each.verdict !== "pass" && each.verdict !== "skipped" && !each.pending)) {
    add(`Contract ${one.consumer} → ${one.provider}`, `${one.description}: ${reasons(one).join("; ") || one.verdict}`);
  }
  for (const text of run.contracts.notes ?? []) add("Contracts", text);
  for (const one of run.drift.seen.broken) add(`Drift ${one.consumer} → ${one.provider}`, `${one.name}: ${one.mismatches.join("; ")}`);
  for (const text of run.drift.seen.notes) add("Drift", text);
  for (const one of run.journeys.journeys) for (const text of one.failures) add(`Journey ${one.name}`, text.split("\n")[0]);
  for (const one of run.telemetry.findings.slice(0, 12)) add(`Telemetry ${one.service}`, one.sentence);
  for (const text of run.load.reasons) add("Load", text);
  for (const one of run.chaos) {
    const broken = one.invariants.filter((each) => each.verdict !== "pass");
    for (const each of broken) add(`Chaos ${one.scenario}: ${each.name}`, each.sentence);
    for (const fault of one.faults.filter((each) => !each.bitten)) add(`Chaos ${one.scenario}`, `${fault.fault} ${fault.target} did not prove that it bit: ${fault.evidence}`);
    for (const text of one.reasons) if (!broken.some((each) => text.includes(each.name))) add(`Chaos ${one.scenario}`, text);
  }
  for (const text of run.notes) add("Note", text);
  if (!found.length) return null;
  const title = { pass: "Worth knowing", invalid: "What could not be proven", aborted: "Where it stopped" }[run.verdict] ?? "What went wrong";
  return h("section", { class: `panel problems ${run.verdict === "fail" || run.verdict === "aborted" ? "" : "invalid"}` }, h("b", {}, title), h("ul", {}, found));
}

function section(id, title, result, ...content) {
  return h("section", { id }, h("h2", {}, title, result ? verdict(result) : null), ...content);
}

function journeys() {
  return run.journeys.journeys.map((one, index) =>
    h("details", { class: "panel long", open: index === 0 || one.verdict !== "pass" },
      h("summary", { class: "line" }, h("b", { class: "grow" }, one.name, h("span", { class: "muted", style: "font-weight:400" }, `  ${plural(one.steps.length, "step")}, ${ms(one.duration_ms)}`)), verdict(one.verdict)),
      one.failures.map((text) => h("pre", {}, text)),
      h("details", { open: one.verdict !== "pass" }, h("summary", { class: "line small" }, "Steps"), table([
        { title: "Step", plain: true, wrap: true, cell: (step) => [step.name, step.failure ? h("div", { class: "small" }, prose(step.failure)) : null] },
        { title: "Status", number: true, cell: (step) => step.status ?? "" },
        { title: "Took", number: true, cell: (step) => ms(step.duration_ms) },
        { title: "Result", plain: true, cell: (step) => verdict(step.verdict) },
      ], one.steps)),
      waterfall(one.waterfall, one.waterfall_omitted)));
}

function telemetry() {
  const of = run.telemetry;
  const intro = h("p", { class: "muted" }, `A flow is everything that one request of a client caused, across traces, links and messages. ${plural(of.flows, "flow")} with ${plural(of.spans, "span")} and ${plural(of.log_lines, "log line")} were checked for missing parents and links, for shape, and for the one correlation id.`);
  if (!of.findings.length) return [intro, h("p", {}, of.verdict === "pass" ? "Nothing is missing and nothing is out of place." : "There are no findings.")];
  return [intro, h("div", { class: "panel" }, table([
    { title: "Rule", plain: true, cell: (one) => h("code", {}, one.rule) },
    { title: "Service", cell: (one) => one.service || "–" },
    { title: "Finding", plain: true, wrap: true, cell: (one) => [prose(one.sentence), one.trace_ids.length ? h("details", {}, h("summary", { class: "line small muted" }, plural(one.trace_ids.length, "trace")), one.trace_ids.map((id) => h("div", { class: "mono small" }, id))) : null] },
  ], of.findings))];
}

function deadLetters() {
  if (!run.dead_letters.length) return [h("p", { class: "muted" }, "No message was given up.")];
  return [h("div", { class: "panel" }, table([
    { title: "Queue", plain: true, cell: (one) => one.queue },
    { title: "Type", cell: (one) => one.routing_key },
    { title: "Reason", plain: true, wrap: true, cell: (one) => [prose(one.reason), h("details", {}, h("summary", { class: "line small muted" }, `message ${one.message_id || "without id"}`), h("pre", {}, one.body))] },
  ], run.dead_letters))];
}

function replay() {
  const button = h("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    // A page opened from a file may have no clipboard; the command can still be selected.
    const copied = await navigator.clipboard?.writeText(run.replay).then(() => true, () => false);
    button.textContent = copied ? "Copied" : "Select and copy it";
  });
  const facts = [
    ["Profile", run.profile], ["Seed", run.seed], ["Schedule digest", run.load.schedule_digest || "–"], ["Started", run.started_at.replace("T", " ").replace(/\.\d+/, "")],
    ["Run", run.run_id], ["Wall time", seconds(run.wall_s)], ["Build", seconds(run.build_s)], ["Ready in", seconds(run.ready_s)], ["Memory of all services", bytes(run.resident_bytes)], ["Shakedown", run.version],
  ];
  return [
    h("div", { class: "panel" }, h("div", { class: "replay" }, h("code", {}, run.replay), button),
      h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))))),
    run.components?.length ? h("div", { class: "panel" }, h("h3", {}, "Components"), table([
      { title: "Component", plain: true, cell: (one) => one.name },
      { title: "Product", plain: true, cell: (one) => `${one.product} ${one.version ?? "of unknown version"}` },
      { title: "From", plain: true, cell: (one) => prose(one.origin) },
    ], run.components)) : "",
    h("div", { class: "panel" }, h("h3", {}, "Services"), table([
      { title: "Service", plain: true, cell: (one) => one.name },
      { title: "Ready in", number: true, cell: (one) => ms(one.ready_ms) },
      { title: "Memory", number: true, cell: (one) => bytes(one.resident_bytes) },
      { title: "Restarts", number: true, cell: (one) => count(one.restarts) },
    ], run.services)),
  ];
}

const sections = [
  ["contracts", "Contracts", run.contracts.verdict, () => contracts(run.contracts)],
  ["drift", "Drift", run.drift.verdict, () => drift(run.drift)],
  ["journeys", "Journeys", run.journeys.verdict, journeys],
  ["telemetry", "Telemetry", run.telemetry.verdict, telemetry],
  ["load", "Load", run.load.verdict, () => load(run.load)],
  ["chaos", "Chaos", worst(run.chaos.map((one) => one.verdict)), () => chaos(run.chaos)],
  ["dead-letters", "Dead letters", null, deadLetters],
  ["replay", "Replay", null, replay],
];

document.querySelector("main").append(
  tiles(), problems() ?? "",
  h("nav", { class: "toc", "aria-label": "Sections" }, sections.map(([id, title]) => h("a", { href: `#${id}` }, title))),
  ...sections.map(([id, title, result, content]) =>
    // Of drift, what nobody has a contract for is worth seeing even when nothing could be compared.
    section(id, title, result, result === "skipped" && id !== "drift" ? h("p", { class: "muted" }, "This phase was left out.") : content())));
// On paper nothing can be unfolded.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
