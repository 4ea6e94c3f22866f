//! From the text of `shakedown.toml` to a [`Config`].

mod backends;
mod observe;
mod phases;
mod services;

use std::path::{Path, PathBuf};

use chaos::invariants::InvariantSpec;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::de::DeTable;

use super::check;
use super::document::{Findings, Section};
use super::error::{ConfigErrors, Problem};
use super::profile;
use super::schema::{Command, Config, System};

/// Configuration files above this size are refused: a slip, not a configuration.
const LARGEST: u64 = 4 * 1024 * 1024;

impl Config {
    /// Reads and checks a file, with one of its profiles laid over it when one is named.
    ///
    /// # Errors
    ///
    /// Every mistake in the file, a profile that it does not have, or the reason why it cannot be read.
    pub fn load(path: &Path, profile: Option<&str>) -> Result<Self, ConfigErrors> {
        let unreadable = |message: String, hint: &str| ConfigErrors {
            file: path.to_owned(),
            problems: vec![Problem { line: 0, column: 0, message, hint: Some(hint.to_owned()) }],
        };
        let hint = "expected a `shakedown.toml`; `--config FILE` names one, `shakedown init` writes one";
        let length =
            std::fs::metadata(path).map_err(|error| unreadable(format!("cannot be read: {error}"), hint))?.len();
        if length > LARGEST {
            return Err(unreadable(format!("is {length} bytes long, expected at most {LARGEST}"), hint));
        }
        let text =
            std::fs::read_to_string(path).map_err(|error| unreadable(format!("cannot be read: {error}"), hint))?;
        Self::parse(&text, path, profile)
    }

    /// Checks a text as if it were the content of `file`, which need not exist.
    ///
    /// # Errors
    ///
    /// Every mistake in the text.
    pub fn parse(text: &str, file: &Path, profile: Option<&str>) -> Result<Self, ConfigErrors> {
        let findings = Findings::new(text);
        let config = read(text, file, profile, &findings);
        let problems = findings.into_problems();
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigErrors { file: file.to_owned(), problems }),
        }
    }
}

fn read(text: &str, file: &Path, profile: Option<&str>, findings: &Findings<'_>) -> Option<Config> {
    let (mut document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What a broken document says besides is guesswork; its syntax comes first.
        for error in errors {
            findings.add(&error.span().unwrap_or(0..0), error.message().trim().to_owned(), None);
        }
        return None;
    }
    profile::lay_over(document.get_mut(), profile, findings)?;
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let root_dir = file.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    let root = Section::root(&document, findings);

    let system = root.section("system");
    if system.is_none() && !root.has("system") {
        root.missing("system", "a table `[system]` with `name` and `entry`");
    }
    let system = system.map(|section| system_of(section, &root_dir));
    let declared = check::Declared {
        services: root.names("services"),
        tables: root.names("observe"),
        backends: root.names("backends"),
        broker: root.has("broker"),
        mail: root.has("mail"),
    };
    let broker = root.section("broker").and_then(services::broker);
    let mail = root.section("mail").map(services::mail);
    let defaults = services::Defaults::read(root.section("defaults"), &root_dir);
    if !root.has("services") {
        root.missing("services", "at least one table `[services.NAME]`");
    }
    let services = root.named("services").into_iter();
    let services = services.filter_map(|(name, section)| services::service(name, section, &defaults, &root_dir));
    let services = services.map(|service| (service.name.clone(), service)).collect();
    let links = root.string_map("links");
    let backends = root.named("backends").into_iter();
    let backends = backends.filter_map(|(name, section)| backends::backend(name, section));
    let backends = backends.map(|backend| (backend.name.clone(), backend)).collect();
    let contracts = root.section("contracts").and_then(|section| phases::contracts(section, &root_dir));
    let journeys = root.section("journeys").and_then(|section| phases::journeys(section, &root_dir));
    let load = root.section("load").and_then(phases::load);
    let chaos = root.section("chaos").and_then(|section| phases::chaos(section, &root_dir));
    let observe = root.named("observe").into_iter();
    let observe = observe.filter_map(|(name, section)| Some((name, observe::source(section)?))).collect();
    let rest = phases::rest(root.section("rest"));
    let invariants = invariants(&root, findings);
    root.finish();

    // A mistake in one section must not hide those in the others, so the checks go on with what there is.
    let system = system.unwrap_or(System { name: String::new(), entry: String::new(), seed: 0, build: None });
    let config = Config {
        file,
        profile: profile.map(str::to_owned),
        root: root_dir,
        system,
        broker,
        mail,
        services,
        links,
        backends,
        contracts,
        journeys,
        load,
        chaos,
        observe,
        invariants: invariants.iter().map(|(_, spec)| spec.clone()).collect(),
        rest,
    };
    check::check(&config, &declared, &invariants, &check::Places::of(&document), findings);
    Some(config)
}

fn system_of(section: Section<'_>, root: &Path) -> System {
    let name = section.required("name", "the name of the system");
    let entry = section.required("entry", "the name of the service that clients talk to");
    let seed = section.integer("seed", "an integer from 0 to 9223372036854775807").unwrap_or(42);
    let build = section.section("build").map(|build| {
        let command = command(&build, root);
        build.finish();
        command
    });
    section.finish();
    System { name: name.unwrap_or_default(), entry: entry.unwrap_or_default(), seed, build }
}

/// `command`, `dir` and `env` of a command that runs to its end. The caller finishes the section.
fn command(section: &Section<'_>, root: &Path) -> Command {
    Command {
        command: section.argv("command"),
        dir: root.join(section.string("dir").unwrap_or_default()),
        env: section.string_map("env"),
    }
}

/// The invariants with the places of their tables.
fn invariants(root: &Section<'_>, findings: &Findings<'_>) -> Vec<(std::ops::Range<usize>, InvariantSpec)> {
    let tables = root.tables("invariant").into_iter();
    tables
        .filter_map(|table| match InvariantSpec::deserialize(table.clone().into_deserializer()) {
            Ok(spec) => Some((table.span(), spec)),
            Err(error) => {
                let span = error.span().filter(|span| *span != (0..0)).unwrap_or_else(|| table.span());
                findings.add(&span, error.message().trim().to_owned(), None);
                None
            }
        })
        .collect()
}
