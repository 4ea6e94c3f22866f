//! `shakedown amqp`: the embedded message broker as a process of its own.

use amqp_broker::{Broker, Config};

use crate::cli::AmqpArgs;
use crate::error::Error;
use crate::exit_code::Exit;
use crate::report::print;
use crate::signals;

pub(super) async fn run(args: AmqpArgs) -> Result<Exit, Error> {
    let config = Config { listen: args.listen, management: args.management, data: args.data, ..Config::default() };
    let broker = Broker::start(config).await.map_err(|e| Error::failed("the message broker cannot start", e))?;
    print::progress(&format!("AMQP 0-9-1 on {}", broker.amqp_addr()));
    let damaged = broker.recovery().damaged_bytes;
    if damaged > 0 {
        print::progress(&format!("{damaged} bytes of the journal were damaged and set aside as `journal.damaged`"));
    }
    if let Some(address) = broker.management_addr() {
        print::progress(&format!("management API on http://{address}/api/overview"));
    }
    signals::terminated().await;
    broker.shutdown().await;
    Ok(Exit::Passed)
}
