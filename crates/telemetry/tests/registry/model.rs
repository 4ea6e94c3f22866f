//! The registry files, read and resolved: groups with all their attributes, attributes with their types.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// A file as weaver reads it.
#[derive(Debug, Deserialize)]
struct File {
    groups: Vec<RawGroup>,
}

#[derive(Debug, Deserialize)]
struct RawGroup {
    id: String,
    r#type: String,
    brief: String,
    stability: Option<String>,
    extends: Option<String>,
    span_kind: Option<String>,
    metric_name: Option<String>,
    instrument: Option<String>,
    unit: Option<String>,
    name: Option<String>,
    #[serde(default)]
    attributes: Vec<RawAttribute>,
}

#[derive(Debug, Clone, Deserialize)]
struct RawAttribute {
    id: Option<String>,
    r#ref: Option<String>,
    r#type: Option<Type>,
    requirement_level: Option<Level>,
    brief: Option<String>,
    stability: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Level {
    Word(String),
    Reason(BTreeMap<String, String>),
}

/// The type of an attribute.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Type {
    Name(String),
    Enum { members: Vec<Member> },
}

#[derive(Debug, Clone, Deserialize)]
pub struct Member {
    pub value: String,
}

/// What one span, metric or event may and must carry.
#[derive(Debug)]
pub struct Group {
    pub id: String,
    pub file: String,
    /// Attribute and whether it is required.
    pub attributes: BTreeMap<String, bool>,
}

#[derive(Debug)]
pub struct Metric {
    pub group: Group,
    pub instrument: String,
    pub unit: String,
}

#[derive(Debug, Default)]
pub struct Registry {
    pub types: BTreeMap<String, Type>,
    /// With their kinds.
    pub spans: Vec<(String, Group)>,
    pub metrics: BTreeMap<String, Metric>,
    pub events: BTreeMap<String, Group>,
    /// What each log line has beside its attributes.
    pub frame: Option<Group>,
    /// What comes with every export.
    pub resource: Option<Group>,
    /// What is wrong with the files themselves.
    pub problems: Vec<String>,
}

impl Registry {
    /// All files of `registry/`, and the standard attributes they refer to.
    pub fn load() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut registry = Self::default();
        let mut raw = Vec::new();
        let mut read = |path: &Path, own: bool| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(path).unwrap();
            let file: File = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            raw.extend(file.groups.into_iter().map(|group| (name.clone(), own, group)));
        };
        read(&root.join("tests/registry/otel.yaml"), false);
        let mut paths: Vec<_> =
            fs::read_dir(root.join("registry")).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| !path.ends_with("registry_manifest.yaml")) {
            read(path, true);
        }
        for (file, own, group) in &raw {
            registry.define(file, *own, group);
        }
        let by_id: BTreeMap<&str, &RawGroup> = raw.iter().map(|(_, _, group)| (group.id.as_str(), group)).collect();
        for (file, own, group) in &raw {
            if *own {
                registry.add(file, group, &by_id);
            }
        }
        registry
    }

    /// Takes the attributes that `group` defines.
    fn define(&mut self, file: &str, own: bool, group: &RawGroup) {
        for attribute in &group.attributes {
            let (Some(id), Some(kind)) = (&attribute.id, &attribute.r#type) else { continue };
            if own && (attribute.brief.is_none() || attribute.stability.is_none()) {
                self.problems.push(format!("{file}: `{id}` needs a `brief` and a `stability`"));
            }
            if self.types.insert(id.clone(), kind.clone()).is_some() {
                self.problems.push(format!("{file}: `{id}` is defined twice"));
            }
        }
    }

    fn add(&mut self, file: &str, raw: &RawGroup, by_id: &BTreeMap<&str, &RawGroup>) {
        let mut attributes = BTreeMap::new();
        let mut from = Some(raw);
        while let Some(group) = from {
            for attribute in &group.attributes {
                let Some(name) = attribute.r#ref.as_ref().or(attribute.id.as_ref()) else { continue };
                if !self.types.contains_key(name) {
                    self.problems.push(format!("{file}: `{}` refers to `{name}`, which nothing defines", group.id));
                }
                let (level, required) = match &attribute.requirement_level {
                    Some(Level::Word(word)) => (word.as_str(), word == "required"),
                    Some(Level::Reason(reason)) => (reason.keys().next().map_or("", String::as_str), false),
                    None => ("recommended", false),
                };
                if !["required", "conditionally_required", "recommended", "opt_in"].contains(&level) {
                    self.problems.push(format!("{file}: `{name}` of `{}`: no requirement level `{level}`", group.id));
                }
                attributes.entry(name.clone()).or_insert(required);
            }
            from = group.extends.as_deref().and_then(|parent| by_id.get(parent).copied());
        }
        if raw.brief.is_empty() || (raw.r#type != "attribute_group" && raw.stability.is_none()) {
            self.problems.push(format!("{file}: `{}` needs a `brief` and a `stability`", raw.id));
        }
        let group = Group { id: raw.id.clone(), file: file.to_owned(), attributes };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        match raw.r#type.as_str() {
            "span" => self.spans.push((text(&raw.span_kind), group)),
            "metric" => {
                let metric = Metric { group, instrument: text(&raw.instrument), unit: text(&raw.unit) };
                self.metrics.insert(text(&raw.metric_name), metric);
            }
            "event" => drop(self.events.insert(text(&raw.name), group)),
            "entity" => self.resource = Some(group),
            "attribute_group" if raw.id == "registry.app.log.frame" => self.frame = Some(group),
            _ => {}
        }
    }
}
