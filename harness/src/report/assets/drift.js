// Contracts held against what the running system said, and what of it nobody has a contract for.
import { h, prose, count, plural, table } from "./dom.js";

export function drift(result) {
  const { messages, responses, calls, broken, without_contract, never_seen, unknown_fields, undocumented = [], notes } = result.seen;
  if (!messages.seen && !responses.seen && !calls.seen && !notes.length) return [h("p", { class: "muted" }, "Nothing of a running system was seen.")];
  const compared = (of, what) => `${count(of.checked)} of ${plural(of.seen, what)}`;
  const parts = [h("p", { class: "muted" }, `While journeys and load went on, ${compared(messages, "message")} and ${compared(responses, "answer")} were compared with contracts by shape; ${compared(calls, "call")} between services have a contract. Bodies of calls between services are not seen.`)];
  for (const note of notes) parts.push(h("p", {}, prose(note)));
  if (broken.length) {
    parts.push(h("h3", {}, "Broken on the wire"), h("div", { class: "panel" }, table([
      { title: "Contract", plain: true, wrap: true, cell: (one) => [`${one.consumer} → ${one.provider}: ${one.name}`, h("div", { class: "small muted" }, one.interaction), one.mismatches.map((text) => h("div", { class: "mono small" }, text)), one.correlation_id ? h("div", { class: "mono small muted" }, one.correlation_id) : null] },
      { title: "Times", number: true, cell: (one) => count(one.count) },
    ], broken)));
  }
  if (without_contract.length) parts.push(folded("Seen, and in no contract", table([
    { title: "What", cell: (one) => one.kind },
    { title: "Name", plain: true, wrap: true, cell: (one) => (one.consumer ? `${one.consumer} → ${one.name}` : one.name) },
    { title: "Seen", number: true, cell: (one) => count(one.seen) },
  ], without_contract), without_contract.length));
  if (never_seen.length) parts.push(folded("In a contract, and never seen", table([
    { title: "Event", plain: true, wrap: true, cell: (one) => one.event },
    { title: "From", cell: (one) => one.provider },
    { title: "For", wrap: true, cell: (one) => one.consumers.join(", ") },
  ], never_seen), never_seen.length));
  if (unknown_fields.length) parts.push(folded("Fields in no contract", table([
    { title: "Of", plain: true, wrap: true, cell: (one) => one.name },
    { title: "Fields", wrap: true, cell: (one) => h("span", { class: "mono small" }, one.fields.join("  "), one.more ? `  and ${count(one.more)} more` : "") },
  ], unknown_fields), unknown_fields.length));
  if (undocumented.length) parts.push(folded("Other than documented", table([
    { title: "Of", plain: true, wrap: true, cell: (one) => [one.name, h("div", { class: "small muted" }, one.provider || "no document")] },
    { title: "Where", wrap: true, cell: (one) => [one.places.map((text) => h("div", { class: "mono small" }, text)), one.more ? `and ${count(one.more)} more` : null] },
  ], undocumented), undocumented.length));
  return parts;
}

const folded = (title, content, number) => h("details", { class: "panel" }, h("summary", { class: "line" }, h("b", { class: "grow" }, title), count(number)), content);
