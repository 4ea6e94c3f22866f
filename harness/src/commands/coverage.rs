//! `shakedown contract coverage`: pacts against the providers' documents, without starting anything.

use contracts::coverage::{Coverage, Promises, Share, measure};
use serde_json::json;

use super::Description;
use crate::cli::{CoverageArgs, Format};
use crate::error::Error;
use crate::exit_code::Exit;
use crate::report::print;

pub(super) fn run(config: &Description, format: Format, args: CoverageArgs) -> Result<Exit, Error> {
    let config = config.load()?;
    let missing = |section| Error::Missing { file: config.file.clone(), section };
    let contracts = config.contracts.as_ref().ok_or_else(|| missing("[contracts]"))?;
    let promises = Promises::load(&contracts.documents).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Error::Usage(lines.join("\n"))
    })?;
    // Nothing promised would be covered in full.
    if promises.is_empty() {
        return Err(missing("[contracts.documents]"));
    }
    let directory = args.pacts.as_deref().unwrap_or(&contracts.pacts);
    let pacts = contracts::store::load_dir(directory).map_err(|e| Error::failed("the pacts cannot be read", e))?;
    let coverage = measure(&promises, &pacts);
    let failures = failures(&coverage, &args);
    print::result(&match format {
        Format::Json => {
            let mut document = json!(coverage);
            document["passed"] = json!(failures.is_empty());
            document["failures"] = json!(failures);
            format!("{document:#}")
        }
        Format::Human => format!("{coverage}\n{}", verdict(&failures)),
    });
    Ok(if failures.is_empty() { Exit::Passed } else { Exit::Failed })
}

/// Why the check fails, one sentence for each cause.
fn failures(coverage: &Coverage, args: &CoverageArgs) -> Vec<String> {
    let mut failures = Vec::new();
    let mut enough = |what: &str, share: &Share, wanted: Option<u8>| {
        let Share { covered, total, .. } = share;
        if wanted.is_some() && *total == 0 {
            failures.push(format!("the documents promise no {what}: there is nothing that could be covered"));
        }
        let Some(wanted) = wanted.map(usize::from).filter(|wanted| share.percent() < *wanted) else { return };
        failures.push(format!("{covered} of {total} {what} are covered, expected at least {wanted} %"));
    };
    enough("operations", &coverage.operations, args.min_operations);
    enough("events", &coverage.events, args.min_events);
    match coverage.problems.len() {
        0 => {}
        1 => failures.push("pacts and documents do not fit each other at one place".to_owned()),
        several => failures.push(format!("pacts and documents do not fit each other at {several} places")),
    }
    failures
}

fn verdict(failures: &[String]) -> String {
    if failures.is_empty() {
        "Passed: the pacts fit the documents".to_owned()
    } else {
        format!("Failed: {}", failures.join("; "))
    }
}
