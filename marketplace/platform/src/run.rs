//! From environment to exit code: what every service's `main` does.

use std::process::ExitCode;

use crate::context::{App, Context};

/// Runs the service `name` until SIGTERM, and returns its exit code: 0 stopped, 1 failed, 2 wrong configuration.
pub fn main<F, Fut>(name: &'static str, app: F) -> ExitCode
where
    F: FnOnce(Context) -> Fut,
    Fut: Future<Output = anyhow::Result<App>>,
{
    let _ = (name, app);
    ExitCode::FAILURE
}
