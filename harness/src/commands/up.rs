//! `shakedown up`: the system, running, with the live page, until Ctrl-C.

use std::path::Path;

use super::Description;
use crate::cli::SystemArgs;
use crate::error::Error;
use crate::events::{Event, Events};
use crate::exit_code::Exit;
use crate::phases::{self, Plan, Replays, RunDir, Surroundings, Wanted};
use crate::report::{Progress, print};
use crate::{signals, ui};

pub(super) async fn run(config: &Description, args: SystemArgs) -> Result<Exit, Error> {
    let wanted = Wanted {
        quick: false,
        phases: Vec::new(),
        record: false,
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
    let address = args.page.unwrap_or_else(|| std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    let page = ui::Page::start(address, &plan.config().system.name, &events)
        .await
        .map_err(|e| Error::failed(format!("the live page cannot listen on {address}"), e))?;
    let cancel = signals::cancellation();
    let around = Surroundings {
        dir: dir.clone(),
        events: events.clone(),
        cancel: cancel.clone(),
        build: !args.no_build,
        replay: String::new(),
    };
    let result = phases::up(&plan, around, |entry| {
        events.note(format!("the system is up at {entry}; live page: http://{}; Ctrl-C ends it", page.address()));
    })
    .await;
    let verdict = if result.is_ok() { chaos::Verdict::Pass } else { chaos::Verdict::Fail };
    events.send(Event::Finished { verdict, sentence: String::new() });
    // Its last line is out before the program ends.
    let _ = progress.await;
    page.shutdown().await;
    result?;
    print::progress(&format!("logs and telemetry: {}", dir.path().display()));
    Ok(Exit::Passed)
}
