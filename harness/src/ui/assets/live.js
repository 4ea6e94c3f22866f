// The live page: draws the newest state that the run sent.
import { h, prose, verdict, ms, count } from "./dom.js";
import { timeline } from "./charts.js";

const header = document.querySelector("header.page");
const main = document.querySelector("main");
let connection = "connected";
let newest = null;

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

function phaseTile(phase) {
  const light = phase.verdict ? verdict(phase.verdict) : verdict("running", "running");
  const share = phase.total ? Math.min(100, (100 * phase.done) / phase.total) : phase.verdict ? 100 : 0;
  const number = phase.total ? [count(phase.done), " ", h("small", {}, `of ${count(phase.total)}`)] : phase.done ? count(phase.done) : "–";
  return h("div", { class: "tile" }, h("div", { class: "top" }, h("span", {}, phase.name), light),
    h("div", { class: "big" }, number), h("div", { class: "sub", title: phase.detail }, phase.failed ? `${count(phase.failed)} failed, ` : "", phase.detail || " "),
    h("div", { class: "bar" }, h("i", { class: phase.failed ? "fail" : null, style: `width:${share}%` })));
}

const LIGHTS = { ready: "pass", starting: "running", killed: "fail", exited: "fail", stopped: "skipped" };

function load(of) {
  if (!of.intervals.length) return null;
  const last = of.intervals.at(-1);
  const end = last.second + 1;
  const first = of.intervals[0].second;
  const shifted = of.intervals.map((one) => ({ ...one, second: one.second - first }));
  const bands = of.bands.filter((band) => (band.until ?? end) >= first)
    .map((band) => ({ from: Math.max(0, band.from - first), until: Math.max(1, (band.until ?? end) - first), label: band.label }));
  const numbers = [["offered per second", count(last.offered)], ["succeeded", count(last.ok)], ["failed", count(last.failed)], ["p50", ms(last.p50_ms)], ["p99", ms(last.p99_ms)]];
  return h("section", {}, h("h2", {}, of.name === "load" ? "Load" : `Load in ${of.name}`),
    h("div", { class: "panel" }, h("div", { class: "big-numbers" }, numbers.map(([name, value]) => h("div", {}, value, h("small", {}, name)))),
      timeline(shifted, "throughput", bands, 30), timeline(shifted, "latency", bands, 30)));
}

function draw() {
  const state = newest;
  const running = state.phases.findLast((phase) => !phase.verdict);
  const headline = state.finished?.sentence || (state.finished ? "The run is over." : running ? `${running.name}: ${running.detail || "running"}` : "Waiting for the run to begin");
  const light = state.finished ? verdict(state.finished.verdict) : connection === "connected" ? verdict("running", "running") : verdict("invalid", "connection lost: the run ended or died");
  header.replaceChildren(
    h("div", { class: "eyebrow" }, h("b", {}, "Shakedown"), h("span", {}, state.system), h("span", {}, clock(state.elapsed_s))),
    h("h1", {}, prose(headline)), h("div", { class: "now" }, light));
  const services = Object.entries(state.services);
  const feeds = main.querySelectorAll("ul.feed");
  const scrolled = [...feeds].map((feed) => feed.scrollTop);
  main.replaceChildren(...[
    state.faults.map((one) => h("div", { class: "fault", role: "status" }, `Fault active: ${one.fault} ${one.target}`, h("span", {}, one.scenario))),
    h("div", { class: "tiles" }, state.phases.map(phaseTile)),
    load(state.load),
    services.length ? h("section", {}, h("h2", {}, "Services"), h("div", { class: "panel" }, h("div", { class: "services" },
      services.map(([name, one]) => h("div", { title: one.detail }, h("b", {}, name), verdict(LIGHTS[one.state] ?? "invalid", one.state)))))) : null,
    h("div", { class: "columns" },
      h("section", {}, h("h2", {}, "Judged"), h("div", { class: "panel" }, state.judged.length ? h("ul", { class: "feed" },
        state.judged.map((one) => h("li", {}, h("span", { class: "text" }, one.name, h("div", { class: "muted small" }, prose(one.detail))), verdict(one.verdict)))) : h("p", { class: "muted" }, "Nothing yet."))),
      h("section", {}, h("h2", {}, "Messages and errors"), h("div", { class: "panel" }, state.messages.length ? h("ul", { class: "feed" },
        state.messages.map((one) => h("li", { class: one.bad ? "bad" : null }, h("time", {}, clock(one.at_s)), h("span", { class: "text" }, prose(one.text))))) : h("p", { class: "muted" }, "Nothing yet.")))),
  ].flat().filter(Boolean));
  main.querySelectorAll("ul.feed").forEach((feed, index) => { feed.scrollTop = scrolled[index] ?? 0; });
}

const source = new EventSource("/events");
source.onmessage = (event) => {
  newest = JSON.parse(event.data);
  connection = "connected";
  if (newest.finished) source.close();
  draw();
};
source.onerror = () => {
  connection = "lost";
  if (newest) draw();
};
