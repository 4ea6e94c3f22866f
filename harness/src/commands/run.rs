//! `shakedown run`, and its parts standing alone: `journey`, `load`, `chaos`.

use std::path::Path;

use super::Description;
use crate::cli::{Format, Phase, RunArgs};
use crate::error::Error;
use crate::events::{Event, Events};
use crate::exit_code::Exit;
use crate::phases::{self, Brokered, Plan, Replays, RunDir, Surroundings, Wanted};
use crate::report::{self, Progress, print};
use crate::{signals, ui};

/// Which part of a run is meant.
pub(super) struct Focus {
    pub(super) phases: Vec<Phase>,
    pub(super) journeys: Vec<String>,
    pub(super) scenarios: Vec<String>,
    /// What verification has to do with the contract broker.
    pub(super) brokered: Option<Brokered>,
    /// Which contracts are verified, and how.
    pub(super) contracts: Replays,
}

impl Focus {
    /// All of it.
    pub(super) fn all() -> Self {
        Self {
            phases: vec![Phase::Contracts, Phase::Journeys, Phase::Load, Phase::Chaos],
            journeys: Vec::new(),
            scenarios: Vec::new(),
            brokered: None,
            contracts: Replays::default(),
        }
    }

    /// One phase.
    pub(super) fn only(phase: Phase) -> Self {
        Self { phases: vec![phase], ..Self::all() }
    }
}

pub(super) async fn run(config: &Description, format: Format, args: RunArgs, focus: Focus) -> Result<Exit, Error> {
    let phases = focus.phases.into_iter().filter(|phase| !args.skip.contains(phase)).collect();
    let wanted = Wanted {
        quick: args.quick,
        phases,
        record: !args.no_record,
        contracts: focus.contracts,
        journeys: focus.journeys,
        scenarios: focus.scenarios,
        brokered: focus.brokered,
        seed: args.system.seed,
    };
    let plan = Plan::new(config.load()?, wanted)?;
    let dir = RunDir::create(args.system.out.as_deref(), Path::new("target/shakedown"))?;
    let events = Events::default();
    let progress = tokio::spawn(Progress::new().follow(events.subscribe()));
    let page = match args.system.page {
        Some(address) => Some(
            ui::Page::start(address, &plan.config().system.name, &events)
                .await
                .map_err(|e| Error::failed(format!("the live page cannot listen on {address}"), e))?,
        ),
        None => None,
    };
    if let Some(page) = &page {
        events.note(format!("live page: http://{}", page.address()));
    }
    let around = Surroundings {
        dir: dir.clone(),
        events: events.clone(),
        cancel: signals::cancellation(),
        build: !args.system.no_build,
        replay: replay(std::env::args().skip(1), args.quick, args.system.seed.unwrap_or(plan.config().system.seed)),
    };
    let result = phases::run(plan, around).await;
    let (verdict, sentence) = match &result {
        Ok((run, _)) => (run.verdict, run.sentence.clone()),
        Err(error) => (chaos::Verdict::Fail, error.to_string()),
    };
    events.send(Event::Finished { verdict, sentence });
    // Its last line is out before the result is.
    let _ = progress.await;
    if let Some(page) = page {
        page.shutdown().await;
    }
    let (run, error) = result?;
    report::write_all(&run, dir.path())?;
    if let Some(error) = error {
        print::progress(&format!("report: {}", dir.file("report.html").display()));
        return Err(error);
    }
    match format {
        Format::Json => {
            print::result(&report::json::render(&run).map_err(|e| Error::failed("the summary cannot be written", e))?)
        }
        Format::Human => print::result(&report::terminal::render(&run)),
    }
    print::progress(&format!("report: {}", dir.file("report.html").display()));
    Ok(run.verdict.into())
}

/// Options with a value that a repetition of the run leaves out: where results go and what they look like does not change
/// them, what is published is published once, and there are variables for the broker's address and credentials.
const NOT_REPEATED: [&str; 10] = [
    "--seed",
    "--out",
    "--format",
    "--page",
    "--provider-version",
    "--build-url",
    "--broker",
    "--broker-token",
    "--broker-username",
    "--broker-password",
];

/// A word as shells take it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The command that repeats this run. A subcommand and its names are as they were typed.
fn replay(typed: impl Iterator<Item = String>, quick: bool, seed: u64) -> String {
    // Started by `cargo run`, the program is in no PATH and its configuration is named by cargo's environment.
    let program = if std::env::var_os("CARGO_PKG_NAME").is_some() { "cargo run --release --" } else { "shakedown" };
    let mut words = vec![program.to_owned()];
    let mut skip_value = false;
    for word in typed {
        if std::mem::take(&mut skip_value) {
            continue;
        }
        match word.as_str() {
            option if NOT_REPEATED.contains(&option) => skip_value = true,
            "--quick" | "--publish" => {}
            word if word.split_once('=').is_some_and(|(option, _)| NOT_REPEATED.contains(&option)) => {}
            word => words.push(quoted(word)),
        }
    }
    if quick {
        words.push("--quick".to_owned());
    }
    words.push("--seed".to_owned());
    words.push(seed.to_string());
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetition_is_a_command_that_tells_no_secret_and_publishes_nothing() {
        let typed = "contract verify --broker postgres://me:s3cret@db/b --broker-token s3cret --publish --provider-version=7 --seed 3 --quick";
        let words = typed.split(' ').chain(["--from-broker", r#"{"branch": "it's"}"#, "--out=x"]).map(str::to_owned);
        let command = replay(words, true, 9);
        let (_, command) = command.split_once("contract").unwrap();
        assert_eq!(command, r#" verify --from-broker '{"branch": "it'\''s"}' --quick --seed 9"#);
    }
}
