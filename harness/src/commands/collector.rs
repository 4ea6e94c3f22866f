//! `shakedown collector`: an OTLP receiver that stands alone.

use crate::cli::CollectorArgs;
use crate::collector::{Collector, CollectorConfig};
use crate::error::Error;
use crate::exit_code::Exit;
use crate::report::print;
use crate::signals;

pub(super) async fn run(args: CollectorArgs) -> Result<Exit, Error> {
    let config = CollectorConfig { http: args.http, grpc: Some(args.grpc), ..CollectorConfig::default() };
    let collector = Collector::start(config).await.map_err(|e| Error::failed("the collector cannot start", e))?;
    // The addresses that were given, not those asked for: port 0 asks for a free one.
    let grpc = collector.grpc_addr.map(|address| format!(", over gRPC on {address}")).unwrap_or_default();
    print::progress(&format!("OTLP over HTTP on {}{grpc}; Ctrl-C ends it", collector.http_addr));
    signals::terminated().await;
    std::fs::create_dir_all(&args.out)
        .map_err(|e| Error::failed(format!("cannot create `{}`", args.out.display()), e))?;
    collector
        .store
        .export(&args.out)
        .map_err(|e| Error::failed(format!("cannot write to `{}`", args.out.display()), e))?;
    let stats = collector.store.stats();
    collector.shutdown().await;
    print::progress(&format!("{} spans written to {}", stats.spans, args.out.display()));
    Ok(Exit::Passed)
}
