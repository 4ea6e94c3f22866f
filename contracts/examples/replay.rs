//! Replays the pacts of a directory on providers that run already.
//!
//! ```sh
//! cargo run -p contracts --example replay -- contracts/pacts order=http://127.0.0.1:4100 [more...]
//! ```
//!
//! Hooks are expected at `/_contract/states` and `/_contract/messages` of each provider.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use contracts::result::{ContractsResult, Verdict};
use contracts::store::load_dir;
use contracts::verify::{Options, Provider, verify};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: replay DIRECTORY NAME=URL...";
    let mut pacts = load_dir(Path::new(&arguments.next().ok_or(usage)?))?;
    let mut out = std::io::stdout();
    let (mut names, mut results) = (Vec::new(), Vec::new());
    for argument in arguments {
        let (name, url) = argument.split_once('=').ok_or(usage)?;
        let mut provider = Provider::new(name, url.parse()?);
        provider.states_url = Some(format!("{url}/_contract/states").parse()?);
        provider.messages_url = Some(format!("{url}/_contract/messages").parse()?);
        let options = Options::default();
        let result = verify(&provider, &pacts, &options, |done| {
            // Progress only; the verdict below does not depend on it.
            let _ = writeln!(std::io::stderr(), "{:7.1} ms  {done}", done.duration_ms);
        });
        results.push(result.await);
        names.push(name.to_owned());
    }
    pacts.retain(|pact| names.contains(&pact.provider));
    let result = ContractsResult::new(&pacts, &results);
    write!(out, "{}", result.matrix)?;
    writeln!(out, "{}: {} of {} interactions verified", result.verdict, result.verified, result.expected)?;
    Ok(if result.verdict == Verdict::Pass { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
