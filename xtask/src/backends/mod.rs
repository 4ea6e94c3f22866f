//! The real database and broker that tests run on: what the machine lacks of them is prepared here.

pub(crate) mod apt;
mod direct;
mod engine;
pub(crate) mod images;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::shell::{output, root, say};

/// Servers that somebody else has started, see `crates/backends`.
const NAMED: [&str; 3] = ["TEST_POSTGRES_URL", "TEST_AMQP_URL", "TEST_RABBITMQ_API_URL"];

/// Where each suite says what served it.
const REPORT: &str = "target/backends.txt";

/// What tests run on, until this is dropped.
pub(crate) struct Backends {
    kind: Kind,
    report: PathBuf,
}

enum Kind {
    /// The tests start containers.
    Engine,
    /// Debian's servers run beside the tests.
    Direct(direct::Servers),
    /// Named by the environment.
    Named,
    /// The real pair is left out, on request.
    EmbeddedOnly,
}

impl Backends {
    /// Prepares whatever is possible here, the best first.
    pub(crate) fn prepare(embedded_only: bool) -> Result<Self> {
        let report = root().join(REPORT);
        fs::create_dir_all(root().join("target"))?;
        fs::write(&report, "").with_context(|| format!("`{REPORT}`"))?;
        Ok(Self { kind: kind(embedded_only)?, report })
    }

    /// Variables for the tests.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![("TEST_BACKENDS_REPORT", self.report.display().to_string())];
        match &self.kind {
            Kind::EmbeddedOnly => variables.push(("TEST_EMBEDDED_ONLY", "1".to_owned())),
            Kind::Direct(servers) => variables.extend(NAMED.into_iter().zip(servers.urls())),
            Kind::Engine | Kind::Named => {}
        }
        variables
    }

    /// Says what served each suite; fails when the real pair was wanted and served none.
    pub(crate) fn tell(&self) -> Result<()> {
        let report = fs::read_to_string(&self.report).with_context(|| format!("`{REPORT}`"))?;
        if report.is_empty() && !matches!(self.kind, Kind::EmbeddedOnly) {
            bail!("no suite ran on the real pair, so nothing is known about it");
        }
        say("suites and the real servers they ran on:");
        let mut lines: Vec<_> = report.lines().collect();
        lines.sort_unstable();
        lines.iter().for_each(|line| say(&format!("  {line}")));
        Ok(())
    }
}

impl Drop for Backends {
    fn drop(&mut self) {
        if matches!(self.kind, Kind::Engine)
            && let Err(error) = engine::sweep()
        {
            say(&format!("containers of the tests are left behind: {error:#}"));
        }
    }
}

fn kind(embedded_only: bool) -> Result<Kind> {
    if embedded_only {
        say("--embedded-only: PostgreSQL and RabbitMQ are left out, nothing is proven about them");
        return Ok(Kind::EmbeddedOnly);
    }
    if NAMED.iter().all(|name| std::env::var_os(name).is_some()) {
        return Ok(Kind::Named);
    }
    match engine::ensure().and_then(|()| images::ensure()) {
        Ok(()) => {
            engine::sweep()?;
            Ok(Kind::Engine)
        }
        Err(error) => {
            say(&format!("no containers: {error:#}; starting Debian's servers directly"));
            let servers = direct::Servers::start().context(
                "neither containers nor Debian's servers can run here; `--embedded-only` leaves the real pair out",
            )?;
            Ok(Kind::Direct(servers))
        }
    }
}

/// Whether this process may install packages and start servers.
pub(crate) fn is_root() -> bool {
    output("id", &["--user"]).is_ok_and(|id| id.trim() == "0")
}
