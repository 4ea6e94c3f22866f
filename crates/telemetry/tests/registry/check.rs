//! Emitted against declared, both ways.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::testing::Emitted;

use super::model::{Group, Registry, Type};

/// Names of attributes and their types, as every export tells them of its process.
pub type Resource = BTreeMap<String, &'static str>;

/// What is wrong, each once: undeclared, mistyped or missing in what was emitted, and declared without being in it.
pub fn check(registry: &Registry, emitted: &Emitted, resource: &Resource) -> BTreeSet<String> {
    let mut check = Check { registry, findings: registry.problems.iter().cloned().collect(), seen: BTreeMap::new() };
    check.spans(emitted);
    check.metrics(emitted);
    check.events(emitted);
    let attributes = resource.iter().map(|(name, kind)| Attribute { name, kind, value: "" }).collect();
    check.group(registry.resource.as_ref().expect("a declared resource"), "the resource", attributes);
    check.unseen();
    check.findings
}

struct Check<'a> {
    registry: &'a Registry,
    findings: BTreeSet<String>,
    /// The groups that were seen, and their attributes that were.
    seen: BTreeMap<&'a str, BTreeSet<String>>,
}

/// One attribute as it was emitted.
struct Attribute<'a> {
    name: &'a str,
    kind: &'static str,
    value: &'a str,
}

impl<'a> Check<'a> {
    fn spans(&mut self, emitted: &Emitted) {
        for span in &emitted.spans {
            let place = format!("span `{} {}`", span.kind, span.name);
            let lacks = |group: &Group| missing(group, |name| span.attributes.contains_key(name)).len();
            let required = |group: &Group| group.attributes.values().filter(|required| **required).count();
            // The most demanding of the declared spans whose demands it meets, else the one it comes nearest to.
            let of_kind = self.registry.spans.iter().filter(|(kind, _)| kind == span.kind).map(|(_, group)| group);
            let group = of_kind.min_by_key(|group| (lacks(group), usize::MAX - required(group)));
            let Some(group) = group else {
                self.findings
                    .insert(format!("{place} is not declared: add a group of type `span` with its `span_kind`"));
                continue;
            };
            let attributes = span.attributes.iter().map(|(name, value)| Attribute {
                name,
                kind: span.attribute_type(name).unwrap_or("string"),
                value,
            });
            self.group(group, &place, attributes.collect());
        }
    }

    fn metrics(&mut self, emitted: &Emitted) {
        for point in &emitted.metrics {
            let name = &point.metric;
            let Some(metric) = self.registry.metrics.get(name) else {
                self.findings.insert(format!("metric `{name}` is not declared: add a group `metric.{name}`"));
                continue;
            };
            if metric.instrument != point.instrument || metric.unit != point.unit {
                self.findings.insert(format!(
                    "metric `{name}` is a {} in `{}`, {} declares a {} in `{}`",
                    point.instrument, point.unit, metric.group.file, metric.instrument, metric.unit
                ));
            }
            let attributes = point.attributes.iter().map(|(name, value)| Attribute {
                name,
                kind: point.attribute_type(name).unwrap_or("string"),
                value,
            });
            self.group(&metric.group, &format!("metric `{name}`"), attributes.collect());
        }
    }

    /// Lines of the library itself; what an application logs is its own affair.
    fn events(&mut self, emitted: &Emitted) {
        let frame = self.registry.frame.as_ref().expect("a declared frame of log lines");
        for line in emitted.logs.iter().filter(|line| is_own(line.target())) {
            let name = line.target().replace("::", ".");
            let place = format!("log line `{}: {}`", line.target(), line.message());
            let Some(group) = self.registry.events.get(&name) else {
                self.findings.insert(format!("{place} is not declared: add a group `event.{name}`"));
                continue;
            };
            let attributes = line.fields().map(|(name, value)| Attribute {
                name,
                kind: line.field_type(name).unwrap_or("string"),
                value,
            });
            let (framing, own) = attributes.partition(|attribute| frame.attributes.contains_key(attribute.name));
            self.group(frame, &place, framing);
            self.group(group, &place, own);
        }
    }

    /// Compares what was emitted in one place with the group that declares it.
    fn group(&mut self, group: &'a Group, place: &str, attributes: Vec<Attribute<'_>>) {
        let Group { id, file, .. } = group;
        for name in missing(group, |name| attributes.iter().any(|attribute| attribute.name == name)) {
            self.findings.insert(format!("{place} lacks `{name}`, which `{id}` in {file} requires"));
        }
        let seen = self.seen.entry(id).or_default();
        for Attribute { name, kind, value } in attributes {
            seen.insert(name.to_owned());
            if !group.attributes.contains_key(name) {
                let define = match self.registry.types.contains_key(name) {
                    true => String::new(),
                    false => format!(" and define it (`id: {name}`, type, brief, stability)"),
                };
                self.findings.insert(format!(
                    "attribute `{name}` ({kind}) on {place} is not declared: add `- ref: {name}` to `{id}` in {file}{define}"
                ));
                continue;
            }
            match self.registry.types.get(name) {
                Some(Type::Name(declared)) if declared != kind => {
                    let what = format!("attribute `{name}` on {place} is of type {kind}, declared is {declared}");
                    self.findings.insert(what);
                }
                Some(Type::Enum { members }) if !members.iter().any(|member| member.value == value) => {
                    self.findings.insert(format!("`{value}` of attribute `{name}` on {place} is none of its members"));
                }
                _ => {}
            }
        }
    }

    /// What is declared and did not come.
    fn unseen(&mut self) {
        let registry = self.registry;
        let spans = registry.spans.iter().map(|(_, group)| group);
        let metrics = registry.metrics.values().map(|metric| &metric.group);
        let others = registry.frame.iter().chain(&registry.resource);
        for group in spans.chain(metrics).chain(registry.events.values()).chain(others) {
            let Group { id, file, .. } = group;
            match self.seen.get(id.as_str()) {
                None => drop(self.findings.insert(format!("`{id}` in {file} is declared and was never emitted"))),
                Some(seen) => {
                    for name in group.attributes.keys().filter(|name| !seen.contains(*name)) {
                        let what = format!("`{name}` of `{id}` in {file} is declared and was never emitted");
                        self.findings.insert(what);
                    }
                }
            }
        }
    }
}

fn missing(group: &Group, present: impl Fn(&str) -> bool) -> Vec<&String> {
    group.attributes.iter().filter(|(name, required)| **required && !present(name)).map(|(name, _)| name).collect()
}

fn is_own(target: &str) -> bool {
    target == "panic" || target.starts_with("telemetry::")
}
