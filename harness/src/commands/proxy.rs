//! `shakedown proxy`: one fault-proxy link that stands alone.

use chaos::proxy::{Link, Toxic, Upstream};

use crate::cli::ProxyArgs;
use crate::error::Error;
use crate::exit_code::Exit;
use crate::report::print;
use crate::signals;

pub(super) async fn run(args: ProxyArgs) -> Result<Exit, Error> {
    let link = Link::bind("proxy", Upstream::from(args.upstream))
        .await
        .map_err(|e| Error::failed("the proxy cannot listen", e))?;
    let duration = |flag: &str, text: &Option<String>| match text {
        Some(text) => crate::config::parse_duration(text).map(Some).map_err(|e| Error::Usage(format!("{flag}: {e}"))),
        None => Ok(None),
    };
    let (latency, jitter) = (duration("--latency", &args.latency)?, duration("--jitter", &args.jitter)?);
    if latency.is_some() || jitter.is_some() {
        let (delay, jitter) = (latency.unwrap_or_default(), jitter.unwrap_or_default());
        link.add(Toxic::latency(delay, jitter));
    }
    if let Some(bytes_per_s) = args.bandwidth {
        link.add(Toxic::bandwidth(bytes_per_s));
    }
    print::result(&link.address().to_string());
    signals::terminated().await;
    Ok(Exit::Passed)
}
