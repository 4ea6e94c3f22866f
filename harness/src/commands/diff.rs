//! `shakedown contract diff`: whether a new version of a document breaks a consumer.

use std::path::Path;

use contracts::diff::{Level, Summary, Usage, diff, rules};
use contracts::document::Document;
use contracts::store::{Pact, load_dir};
use serde_json::json;

use super::Description;
use crate::cli::{DiffArgs, Format};
use crate::config::{Config, ConfigErrors};
use crate::error::Error;
use crate::exit_code::Exit;
use crate::report::print;

pub(super) fn run(config: &Description, format: Format, args: DiffArgs) -> Result<Exit, Error> {
    if let Some(rule) = &args.explain {
        return explain(rule);
    }
    let (Some(before), Some(after)) = (&args.before, &args.after) else {
        return Err(Error::Usage("expected two documents: `contract diff BEFORE AFTER`".to_owned()));
    };
    let load = |file: &Path| Document::load(file).map_err(|problem| Error::Usage(problem.to_string()));
    let (old, new) = (load(before)?, load(after)?);
    let config = described(config, args.pacts.is_none())?;
    let directory = args.pacts.clone().or_else(|| Some(config.as_ref()?.contracts.as_ref()?.pacts.clone()));
    let pacts = match &directory {
        Some(directory) => Some(load_dir(directory).map_err(|e| Error::failed("the pacts cannot be read", e))?),
        None => None,
    };
    let usage = match &pacts {
        Some(pacts) => Usage::of(pacts, &provider(&args, config.as_ref(), &[&old, &new], pacts)?),
        None => Usage::unknown(),
    };
    let findings = diff(&old, &new, &usage);
    let summary = Summary(&findings);
    let (errors, warnings) = (summary.count(Level::Error), summary.count(Level::Warning));
    print::result(&match format {
        Format::Json => {
            let document = json!({
                "passed": errors == 0,
                "errors": errors,
                "warnings": warnings,
                "usage_known": usage.is_known(),
                "findings": findings,
            });
            format!("{document:#}")
        }
        Format::Human if usage.is_known() => summary.to_string(),
        Format::Human => format!("Without pacts, everything counts as used; name them by `--pacts DIR`.\n\n{summary}"),
    });
    Ok(if errors == 0 { Exit::Passed } else { Exit::Failed })
}

/// The configuration, unless there is none: two documents can be compared anywhere. Its mistakes matter only where it
/// says where the pacts are.
fn described(config: &Description, needed: bool) -> Result<Option<Config>, ConfigErrors> {
    if !config.file.exists() {
        return Ok(None);
    }
    match config.load() {
        Ok(config) => Ok(Some(config)),
        Err(errors) if needed => Err(errors),
        Err(_) => Ok(None),
    }
}

/// Whose document it is. A wrong guess would make every change harmless, so nothing is guessed.
fn provider(
    args: &DiffArgs,
    config: Option<&Config>,
    documents: &[&Document],
    pacts: &[Pact],
) -> Result<String, Error> {
    if let Some(provider) = &args.provider {
        return Ok(provider.clone());
    }
    let configured = config.and_then(|config| config.contracts.as_ref()).into_iter().flat_map(|all| &all.documents);
    for (provider, files) in configured {
        let same = |file: &Path| documents.iter().any(|document| same_file(document.path(), file));
        if files.iter().any(|file| same(file)) {
            return Ok(provider.clone());
        }
    }
    let titled = documents.iter().filter_map(|document| document.title());
    let mut known = titled.filter(|title| pacts.iter().any(|pact| pact.provider == *title));
    known.next().map(str::to_owned).ok_or_else(|| {
        Error::Usage("nobody says whose document this is: name the provider by `--provider NAME`".to_owned())
    })
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn explain(wanted: &str) -> Result<Exit, Error> {
    let found: Vec<&rules::Rule> = rules::RULES.iter().filter(|rule| wanted == "all" || rule.id == wanted).collect();
    if found.is_empty() {
        let ids: Vec<&str> = rules::RULES.iter().map(|rule| rule.id).collect();
        let expected = format!("`all` or one of {}", ids.join(", "));
        return Err(Error::UnknownName { what: "rule", name: wanted.to_owned(), expected });
    }
    let texts: Vec<String> = found.into_iter().map(ToString::to_string).collect();
    print::result(&texts.join("\n\n"));
    Ok(Exit::Passed)
}
