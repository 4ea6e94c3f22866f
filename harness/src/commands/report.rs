//! `shakedown report`: renders a finished run again.

use crate::cli::{Format, ReportArgs};
use crate::error::Error;
use crate::exit_code::Exit;
use crate::report::{self, print};

pub(super) fn run(format: Format, args: &ReportArgs) -> Result<Exit, Error> {
    let run = report::read(&args.dir)?;
    report::write_all(&run, &args.dir)?;
    match format {
        Format::Json => {
            print::result(&report::json::render(&run).map_err(|e| Error::failed("the summary cannot be written", e))?)
        }
        Format::Human => print::result(&report::terminal::render(&run)),
    }
    Ok(run.verdict.into())
}
