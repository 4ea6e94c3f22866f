//! `shakedown contract`: recording, verification and the matrix, without the rest of a run.

use std::path::Path;

use contracts::verify::Filter;

use super::Description;
use super::run::{self, Focus};
use super::{brokered, coverage, diff, gate};
use crate::cli::{ContractCommand, Format, Phase, RunArgs, SelectionArgs, SystemArgs, VerifyArgs};
use crate::error::Error;
use crate::events::{Event, Events};
use crate::exit_code::Exit;
use crate::phases::{self, Brokered, Plan, Replays, RunDir, Surroundings, Wanted};
use crate::report::{Progress, print};
use crate::signals;

pub(super) async fn run(config: &Description, format: Format, command: ContractCommand) -> Result<Exit, Error> {
    match command {
        ContractCommand::Record(args) => record(config, args).await,
        // A matrix is the result of a verification, so both do the same; a person sees the matrix either way.
        ContractCommand::Verify(args) => {
            let VerifyArgs { run, selection, broker } = *args;
            let replays = replays(selection);
            if broker.publish && replays.filter.is_set() {
                return Err(Error::Usage(
                    "`--publish` with a part of the interactions: expected no `--consumer`, `--provider`, `--description` or \
                     `--state`, because what is published is said of whole pacts"
                        .to_owned(),
                ));
            }
            let brokered = brokered::prepare(broker).await?;
            verify(config, format, run, brokered, replays).await
        }
        ContractCommand::Matrix(args) => verify(config, format, args, None, Replays::default()).await,
        ContractCommand::Publish(args) => gate::publish(config, format, args).await,
        ContractCommand::CanIDeploy(args) => gate::can_i_deploy(format, args).await,
        ContractCommand::RecordDeployment(args) => gate::record_deployment(format, args).await,
        ContractCommand::Coverage(args) => coverage::run(config, format, args),
        ContractCommand::Diff(args) => diff::run(config, format, args),
    }
}

/// Replays the committed pacts, or those of the broker, or the part of them that was asked for.
async fn verify(
    config: &Description,
    format: Format,
    args: RunArgs,
    brokered: Option<Brokered>,
    contracts: Replays,
) -> Result<Exit, Error> {
    needs_contracts(config)?;
    let mut args = RunArgs { no_record: true, ..args };
    if contracts.shuffle {
        // Another order each time finds more; whoever wants this one again has its number.
        args.system.seed.get_or_insert_with(|| u64::from(rand::random::<u32>()));
    }
    run::run(config, format, args, Focus { brokered, contracts, ..Focus::only(Phase::Contracts) }).await
}

fn replays(args: SelectionArgs) -> Replays {
    let SelectionArgs { consumer, provider, description, state, shuffle, repeat } = args;
    Replays { filter: Filter { consumer, provider, description, state }, shuffle, repeat: usize::from(repeat) }
}

fn needs_contracts(config: &Description) -> Result<(), Error> {
    let config = config.load()?;
    match config.contracts {
        Some(_) => Ok(()),
        None => Err(Error::Missing { file: config.file, section: "[contracts]" }),
    }
}

/// Records the pacts and puts them in the place of the committed ones.
async fn record(config: &Description, args: SystemArgs) -> Result<Exit, Error> {
    needs_contracts(config)?;
    let wanted = Wanted {
        quick: false,
        phases: vec![Phase::Contracts],
        record: true,
        brokered: None,
        contracts: Replays::default(),
        journeys: Vec::new(),
        scenarios: Vec::new(),
        seed: args.seed,
    };
    let plan = Plan::new(config.load()?, wanted)?;
    let dir = RunDir::create(args.out.as_deref(), Path::new("target/shakedown"))?;
    let events = Events::default();
    let progress = tokio::spawn(Progress::new().follow(events.subscribe()));
    let around = Surroundings {
        dir,
        events: events.clone(),
        cancel: signals::cancellation(),
        build: false,
        replay: String::new(),
    };
    let result = phases::record(&plan, around).await;
    let verdict = if result.is_ok() { chaos::Verdict::Pass } else { chaos::Verdict::Fail };
    events.send(Event::Finished { verdict, sentence: String::new() });
    // Its last line is out before the result is.
    let _ = progress.await;
    let written = result?;
    print::result(&written.join("\n"));
    Ok(Exit::Passed)
}
