//! The broker as a process of its own: `amqp-broker [--listen HOST:PORT] [--management HOST:PORT] [--data DIR]`.
//!
//! Prints the addresses it listens on, one per line, and stops in order on Ctrl-C or SIGTERM.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use amqp_broker::{Broker, Config};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: amqp-broker [--listen HOST:PORT] [--management HOST:PORT] [--data DIR]";

#[tokio::main]
async fn main() -> ExitCode {
    let config = match parse(std::env::args().skip(1)) {
        Ok(config) => config,
        Err(reason) => {
            let _ = writeln!(io::stderr(), "{reason}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(1)
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Config, String> {
    let mut config = Config { listen: ([127, 0, 0, 1], 5672).into(), ..Config::default() };
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("`{name}` needs a value"));
        let address =
            |text: String| text.parse().map_err(|_| format!("`{text}` is not an address, expected HOST:PORT"));
        match name.as_str() {
            "--listen" => config.listen = address(value()?)?,
            "--management" => config.management = Some(address(value()?)?),
            "--data" => config.data = Some(value()?.into()),
            other => return Err(format!("unknown argument `{other}`")),
        }
    }
    Ok(config)
}

async fn run(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let broker = Broker::start(config).await?;
    let damaged = broker.recovery().damaged_bytes;
    if damaged > 0 {
        writeln!(io::stderr(), "the last {damaged} bytes of the journal were damaged; see `journal.damaged`")?;
    }
    let mut out = io::stdout();
    writeln!(out, "amqp {}", broker.amqp_addr())?;
    if let Some(address) = broker.management_addr() {
        writeln!(out, "management {address}")?;
    }
    out.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    broker.shutdown().await;
    Ok(())
}
