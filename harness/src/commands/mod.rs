//! One file for each subcommand.

mod amqp;
mod broker;
mod brokered;
mod collector;
mod contract;
mod coverage;
mod diff;
mod doctor;
mod gate;
mod init;
mod proxy;
mod report;
mod run;
mod up;

use std::path::PathBuf;

use crate::cli::{Cli, Command, Phase};
use crate::config::{Config, ConfigErrors};
use crate::error::Error;
use crate::exit_code::Exit;

/// The description of the system, as it was chosen.
pub(super) struct Description {
    file: PathBuf,
    profile: Option<String>,
}

impl Description {
    fn load(&self) -> Result<Config, ConfigErrors> {
        Config::load(&self.file, self.profile.as_deref())
    }
}

/// Does what the command line asks for.
///
/// # Errors
/// Whatever kept the command from having a result.
pub(crate) async fn dispatch(cli: Cli) -> Result<Exit, Error> {
    let Cli { config, profile, format, command } = cli;
    let config = Description { file: config, profile };
    match command {
        Command::Run(args) => run::run(&config, format, args, run::Focus::all()).await,
        Command::Journey(args) => {
            let focus = run::Focus { journeys: args.names, ..run::Focus::only(Phase::Journeys) };
            run::run(&config, format, args.run, focus).await
        }
        Command::Load(args) => run::run(&config, format, args, run::Focus::only(Phase::Load)).await,
        Command::Chaos(args) => {
            let focus = run::Focus { scenarios: args.names, ..run::Focus::only(Phase::Chaos) };
            run::run(&config, format, args.run, focus).await
        }
        Command::Up(args) => up::run(&config, args).await,
        Command::Contract { command } => contract::run(&config, format, command).await,
        Command::Report(args) => report::run(format, &args),
        Command::Collector(args) => collector::run(args).await,
        Command::Proxy(args) => proxy::run(args).await,
        Command::Amqp(args) => amqp::run(args).await,
        Command::Broker(args) => broker::run(args).await,
        Command::Init(args) => init::run(&args),
        Command::Doctor => doctor::run(&config).await,
        Command::Watchdog(args) => {
            crate::supervisor::watchdog::run(&args.run_id, &args.journal)
                .await
                .map_err(|e| Error::failed("the watchdog cannot watch", e))?;
            Ok(Exit::Passed)
        }
    }
}
