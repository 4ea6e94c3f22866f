//! Journey files, checked and turned into plans that can run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;
use reqwest::Method;
use serde_json::Value;

use super::schema::{JourneyFile, StepFile};
use super::template::{Template, TemplateError, ValueTemplate};
use crate::assertions::Expectation;

/// A journey ready to run.
#[derive(Clone, Debug)]
pub struct Journey {
    /// Name.
    pub name: String,
    /// What it shows, as a sentence.
    pub title: String,
    /// Journeys to run once before.
    pub setup: Vec<String>,
    pub(crate) vars: Vec<(String, ValueTemplate)>,
    pub(crate) steps: Vec<Step>,
    /// Expectations on its telemetry.
    pub flow: Vec<Expectation>,
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) action: Action,
    pub(crate) status: Option<u16>,
    pub(crate) json: Vec<(String, ValueTemplate)>,
    pub(crate) response_headers: Vec<(String, Template)>,
    pub(crate) within: Option<Duration>,
    pub(crate) save: Vec<(String, Save)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    Http { method: Method, path: Template, headers: Vec<(String, Template)>, body: Option<ValueTemplate> },
    Mail { to: Template, subject: Option<Template> },
}

#[derive(Clone, Debug)]
pub(crate) enum Save {
    Pointer(String),
    Capture(Regex),
}

/// A mistake in a journey file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JourneyProblem {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: u64,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for JourneyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.message),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.message),
        }
    }
}

/// Journeys of a system by name.
#[derive(Clone, Debug, Default)]
pub struct Journeys(pub BTreeMap<String, Journey>);

impl Journeys {
    /// Reads every `*.yaml` file of `dir`.
    ///
    /// # Errors
    /// Every mistake found, with file and line.
    pub fn load(dir: &Path) -> Result<Self, Vec<JourneyProblem>> {
        let whole = |file: &Path, message: String| JourneyProblem { file: file.to_owned(), line: 0, message };
        let listing = std::fs::read_dir(dir)
            .map_err(|error| vec![whole(dir, format!("cannot read the folder of journeys: {error}"))])?;
        let mut paths: Vec<PathBuf> = listing
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "yaml" || e == "yml"))
            .collect();
        paths.sort();
        let mut problems = Vec::new();
        let mut files = BTreeMap::new();
        for path in paths {
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) => {
                    problems.push(whole(&path, format!("cannot be read: {error}")));
                    continue;
                }
            };
            match serde_saphyr::from_str::<JourneyFile>(&text) {
                Ok(file) => {
                    let name = file.journey.clone();
                    if files.insert(name.clone(), (path.clone(), file)).is_some() {
                        problems.push(whole(&path, format!("a second journey named `{name}`")));
                    }
                }
                Err(error) => problems.push(JourneyProblem {
                    file: path,
                    line: error.location().map_or(0, |location| location.line()),
                    message: first_line(&error.to_string()),
                }),
            }
        }
        let mut journeys = BTreeMap::new();
        for (name, (path, file)) in &files {
            let mut inherited = BTreeSet::new();
            for name in &file.setup.0 {
                match files.get(name) {
                    Some((_, setup)) if !setup.setup.0.is_empty() => problems.push(whole(
                        path,
                        format!(
                            "`setup` names journey `{name}`, which has a `setup` of its own; only one level is run"
                        ),
                    )),
                    Some((_, setup)) => {
                        let set: BTreeSet<String> = names_set_by(setup).collect();
                        if let Some(twice) = set.intersection(&inherited).next() {
                            let message = format!(
                                "`setup` names journey `{name}`, which sets `{twice}`; so does a journey named before it"
                            );
                            problems.push(whole(path, message));
                        }
                        inherited.extend(set);
                    }
                    None => {
                        problems.push(whole(path, format!("`setup` names journey `{name}`, which no file defines")))
                    }
                }
            }
            match plan(path, file, inherited) {
                Ok(journey) => {
                    journeys.insert(name.clone(), journey);
                }
                Err(mut found) => problems.append(&mut found),
            }
        }
        if problems.is_empty() { Ok(Self(journeys)) } else { Err(problems) }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn names_set_by(file: &JourneyFile) -> impl Iterator<Item = String> {
    let saved = file.steps.iter().flat_map(|step| step.save.keys());
    file.vars.keys().chain(saved).cloned()
}

fn plan(path: &Path, file: &JourneyFile, mut known: BTreeSet<String>) -> Result<Journey, Vec<JourneyProblem>> {
    let mut problems = Vec::new();
    let mut vars = Vec::new();
    for (name, value) in &file.vars {
        match ValueTemplate::parse(value) {
            Ok(template) => {
                template.for_each_variable(&mut |used| {
                    if !known.contains(used) {
                        problems.push(JourneyProblem {
                            file: path.to_owned(),
                            line: 0,
                            message: format!(
                                "variable `{name}` reads `{used}`, which `setup` does not set; variables cannot read each other"
                            ),
                        });
                    }
                });
                vars.push((name.clone(), template));
            }
            Err(error) => problems.push(JourneyProblem {
                file: path.to_owned(),
                line: 0,
                message: format!("variable `{name}`: {error}"),
            }),
        }
    }
    known.extend(file.vars.keys().cloned());
    let mut steps = Vec::new();
    for step in &file.steps {
        let line = step.name.referenced.line();
        let name = &step.name.value;
        let mut problem = |message: String| {
            problems.push(JourneyProblem { file: path.to_owned(), line, message: format!("step `{name}`: {message}") });
        };
        match plan_step(step) {
            Ok(planned) => {
                planned.for_each_variable(&mut |used| {
                    if !known.contains(used) {
                        let near = nearest(used, known.iter());
                        problem(format!("variable `{used}` is not set at this point{near}"));
                    }
                });
                known.extend(step.save.keys().cloned());
                steps.push(planned);
            }
            Err(message) => problem(message),
        }
    }
    if file.steps.is_empty() {
        problems.push(JourneyProblem {
            file: path.to_owned(),
            line: 0,
            message: format!("journey `{}` has no steps", file.journey),
        });
    }
    if problems.is_empty() {
        Ok(Journey {
            name: file.journey.clone(),
            title: file.title.clone(),
            setup: file.setup.0.clone(),
            vars,
            steps,
            flow: file.flow.clone(),
        })
    } else {
        Err(problems)
    }
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> String {
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= 3)
        .min()
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}

fn plan_step(step: &StepFile) -> Result<Step, String> {
    let template = |text: &str| Template::parse(text).map_err(|e: TemplateError| e.to_string());
    let value = |value: &Value| ValueTemplate::parse(value).map_err(|e| e.to_string());
    let requests = [
        (Method::GET, &step.get),
        (Method::POST, &step.post),
        (Method::PUT, &step.put),
        (Method::PATCH, &step.patch),
        (Method::DELETE, &step.delete),
    ];
    let mut requests = requests.into_iter().filter_map(|(method, path)| Some((method, path.as_ref()?)));
    let action = match (requests.next(), requests.next(), &step.mail) {
        (Some((method, path)), None, None) => {
            let mut headers = Vec::new();
            for (name, text) in &step.headers {
                headers.push((name.clone(), template(text)?));
            }
            if let Some(bearer) = &step.bearer {
                headers.push(("authorization".to_owned(), template(&format!("Bearer {bearer}"))?));
            }
            Action::Http { method, path: template(path)?, headers, body: step.json.as_ref().map(value).transpose()? }
        }
        (None, None, Some(mail)) => {
            Action::Mail { to: template(&mail.to)?, subject: mail.subject.as_deref().map(template).transpose()? }
        }
        _ => {
            return Err("expected exactly one of `get`, `post`, `put`, `patch`, `delete`, `mail`".into());
        }
    };
    let is_mail = matches!(action, Action::Mail { .. });
    let mut save = Vec::new();
    for (name, source) in &step.save {
        let source = if is_mail {
            let regex = Regex::new(source).map_err(|e| format!("save `{name}`: {e}"))?;
            if regex.captures_len() < 2 {
                return Err(format!("save `{name}`: expected a regular expression with one group"));
            }
            Save::Capture(regex)
        } else if source.is_empty() || source.starts_with('/') {
            Save::Pointer(source.clone())
        } else {
            return Err(format!("save `{name}`: `{source}` is not a JSON pointer; it must start with `/`"));
        };
        save.push((name.clone(), source));
    }
    let mut json = Vec::new();
    for (pointer, expected) in &step.expect.json {
        json.push((pointer.clone(), value(expected)?));
    }
    let mut response_headers = Vec::new();
    for (name, expected) in &step.expect.headers {
        response_headers.push((name.clone(), template(expected)?));
    }
    let within = match &step.within {
        Some(text) => Some(text.parse::<chaos::quantity::Duration>().map_err(|e| format!("within: {e}"))?.into()),
        None => None,
    };
    Ok(Step { name: step.name.value.clone(), action, status: step.expect.status, json, response_headers, within, save })
}

impl Step {
    fn for_each_variable(&self, see: &mut impl FnMut(&str)) {
        match &self.action {
            Action::Http { path, headers, body, .. } => {
                path.variables().for_each(&mut *see);
                for (_, header) in headers {
                    header.variables().for_each(&mut *see);
                }
                if let Some(body) = body {
                    body.for_each_variable(see);
                }
            }
            Action::Mail { to, subject } => {
                to.variables().for_each(&mut *see);
                if let Some(subject) = subject {
                    subject.variables().for_each(&mut *see);
                }
            }
        }
        for (_, expected) in &self.json {
            expected.for_each_variable(see);
        }
        for (_, expected) in &self.response_headers {
            expected.variables().for_each(&mut *see);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUYER: &str = "journey: buyer\nsteps: [{ name: in, post: /in, save: { buyer: /id } }]\n";
    const SELLER: &str = "journey: seller\nsteps: [{ name: in, post: /in, save: { seller: /id } }]\n";

    fn load(files: &[&str]) -> Result<Journeys, Vec<JourneyProblem>> {
        let dir = tempfile::tempdir().expect("a directory");
        for (number, text) in files.iter().enumerate() {
            std::fs::write(dir.path().join(format!("{number}.yaml")), text).expect("written");
        }
        Journeys::load(dir.path())
    }

    fn messages(files: &[&str]) -> Vec<String> {
        load(files).expect_err("mistakes").into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn journey_sees_what_all_of_its_setups_saved() {
        let both = "journey: deal\nsetup: [buyer, seller]\nsteps: [{ name: deal, get: \"/${buyer}/${seller}\" }]\n";
        let journeys = load(&[BUYER, SELLER, both]).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(journeys.0["deal"].setup, ["buyer", "seller"]);
        let one = "journey: deal\nsetup: buyer\nsteps: [{ name: deal, get: \"/${buyer}/${seller}\" }]\n";
        assert_eq!(messages(&[BUYER, SELLER, one]), ["step `deal`: variable `seller` is not set at this point"]);
    }

    #[test]
    fn setups_that_set_the_same_variable_are_a_mistake() {
        let other = SELLER.replace("seller: /id", "buyer: /id");
        let both = "journey: deal\nsetup: [buyer, seller]\nsteps: [{ name: deal, get: / }]\n";
        assert_eq!(
            messages(&[BUYER, &other, both]),
            ["`setup` names journey `seller`, which sets `buyer`; so does a journey named before it"]
        );
    }
}
