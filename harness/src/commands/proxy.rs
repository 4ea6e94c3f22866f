//! `shakedown proxy`: one fault-proxy link that stands alone.

use chaos::proxy::{Link, Toxic, ToxicKind, Upstream};

use crate::cli::ProxyArgs;
use crate::config::parse_duration;
use crate::error::Error;
use crate::exit_code::Exit;
use crate::report::print;
use crate::signals;

pub(super) async fn run(args: ProxyArgs) -> Result<Exit, Error> {
    let link = Link::bind_to("proxy", args.listen, Upstream::new(args.upstream.to_string()))
        .map_err(|e| Error::failed(format!("the proxy cannot listen on {}", args.listen), e))?;
    let duration = |flag: &str, text: &Option<String>| match text {
        Some(text) => parse_duration(text).map_err(|e| Error::Usage(format!("{flag}: {e}"))),
        None => Ok(std::time::Duration::ZERO),
    };
    let (delay, jitter) = (duration("--latency", &args.latency)?, duration("--jitter", &args.jitter)?);
    if !(delay + jitter).is_zero() {
        link.add("latency", Toxic::latency(delay, jitter));
    }
    if let Some(bytes_per_second) = args.bandwidth {
        if bytes_per_second == 0 {
            return Err(Error::Usage("--bandwidth: expected at least 1 byte per second".to_owned()));
        }
        link.add("bandwidth", Toxic::new(ToxicKind::Bandwidth { bytes_per_second }));
    }
    print::result(&link.address().to_string());
    signals::terminated().await;
    Ok(Exit::Passed)
}
