//! The time that verification takes here and with the official command line, of the same pacts on the same providers.
//!
//! Both read the pacts from their files and talk to a provider of this process over real sockets, in turns; what takes
//! part in neither is not measured. `cargo xtask bench contracts` runs it and prints a table.

#[path = "../tests/official/cli.rs"]
#[allow(dead_code)] // The tests use all of it.
mod cli;
#[path = "../tests/official/providers.rs"]
#[allow(dead_code)]
mod providers;
#[path = "../tests/official/shop.rs"]
#[allow(dead_code)]
mod shop;
#[path = "../tests/official/verifier.rs"]
mod verifier;

use std::io::Write as _;
use std::time::Instant;

use contracts::result::Verdict;
use contracts::store::{Pact, load_file};
use contracts::verify::{Options, Provider};
use providers::Served;
use serde_json::{Value, json};

#[tokio::main]
async fn main() {
    let rounds = rounds();
    let mut rows = Vec::new();
    for name in providers::NAMES {
        let provider = Served::start(name).await;
        let pacts = provider.pacts();
        // Not counted: databases are filled, pages are read.
        let mut interactions = ours(&provider, &pacts).await;
        theirs(&provider, &pacts).await;
        let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let start = Instant::now();
            interactions = ours(&provider, &pacts).await;
            our_times.push(start.elapsed().as_secs_f64() * 1000.0);
            let start = Instant::now();
            theirs(&provider, &pacts).await;
            their_times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        rows.push(json!({
            "name": name,
            "interactions": interactions,
            "ours_ms": median(&mut our_times),
            "theirs_ms": median(&mut their_times),
        }));
    }
    let document: Value = json!({ "rounds": rounds, "rows": rows });
    let mut out = std::io::stdout();
    writeln!(out, "{document}").unwrap();
}

/// `--rounds N`, else a few.
fn rounds() -> usize {
    let arguments: Vec<String> = std::env::args().collect();
    let given = arguments.iter().position(|argument| argument == "--rounds").and_then(|at| arguments.get(at + 1));
    given.map_or(3, |rounds| rounds.parse().unwrap())
}

/// Our verification; how many interactions held, which is all of them.
async fn ours(provider: &Served, pacts: &[Pact]) -> usize {
    let pacts: Vec<Pact> = pacts.iter().map(|pact| load_file(&pact.path).unwrap()).collect();
    let base = format!("http://{}", provider.http);
    let mut target = Provider::new(provider.name, base.parse().unwrap());
    if provider.hooks {
        target.states_url = Some(format!("{base}/_contract/states").parse().unwrap());
        target.messages_url = Some(format!("{base}/_contract/messages").parse().unwrap());
    }
    let result = contracts::verify::verify(&target, &pacts, &Options::default(), |_| {}).await;
    assert_eq!(result.verdict, Verdict::Pass, "{result:#?}");
    result.verified
}

async fn theirs(provider: &Served, pacts: &[Pact]) {
    let (done, _) = verifier::verify(provider, pacts).await;
    done.well();
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
