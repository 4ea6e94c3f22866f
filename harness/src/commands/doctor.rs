//! `shakedown doctor`: whether this machine has what a run needs.

use std::fmt::Write;
use std::path::Path;

use super::Description;
use crate::error::Error;
use crate::exit_code::Exit;
use crate::journey::Journeys;
use crate::report::print;
use crate::supervisor;

pub(super) async fn run(config: &Description) -> Result<Exit, Error> {
    let config = config.load()?;
    let mut out = String::new();
    let mut missing = 0;
    let mut row = |name: &str, problem: Option<String>| {
        let word = if problem.is_some() { "MISSING" } else { "ok" };
        missing += usize::from(problem.is_some());
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{word:8}{name}{}", problem.map(|p| format!(": {p}")).unwrap_or_default());
    };
    row(&format!("configuration {}", config.file.display()), None);
    if let Some(build) = &config.system.build {
        row("build command", absent(&build.command, &build.dir));
    }
    for service in config.services.values() {
        // What the build makes need not be there yet.
        if config.system.build.is_none() {
            row(&format!("service {}", service.name), absent(&service.command, &service.dir));
        }
    }
    if let Some(journeys) = &config.journeys {
        let loaded = Journeys::load(&journeys.dir).map_err(Error::Journeys)?;
        row(&format!("{} journeys in {}", loaded.0.len(), journeys.dir.display()), None);
    }
    if let Some(contracts) = &config.contracts {
        let problem = contracts::store::load_dir(&contracts.pacts).err().map(|e| e.to_string());
        row(&format!("pacts in {}", contracts.pacts.display()), problem);
    }
    for backend in config.backends.values() {
        // One that runs already is asked when the system starts, as its services are.
        if let Some(server) = &backend.server {
            row(&format!("backend {} at the URL of `{}`", backend.name, server.variable), None);
        } else {
            let problem = supervisor::engine_obstacle().await;
            row(&format!("engine for the container of backend {} ({})", backend.name, backend.image), problem);
        }
    }
    row(
        "/proc (clean-up of processes that escaped)",
        (!Path::new("/proc/self/environ").exists()).then(|| "not mounted".into()),
    );
    let verdict = match missing {
        0 => "ready to run".to_owned(),
        missing => format!("{missing} missing"),
    };
    print::result(&format!("{out}{verdict}"));
    Ok(if missing == 0 { Exit::Passed } else { Exit::Failed })
}

/// Why the program of a command cannot be started, if so.
fn absent(command: &[String], dir: &Path) -> Option<String> {
    let program = command.first()?;
    if program.contains("${") {
        return None;
    }
    let found = if program.contains('/') {
        dir.join(program).exists()
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|dir| dir.join(program).exists())
    };
    (!found).then(|| format!("`{program}` is neither a file nor in PATH"))
}
