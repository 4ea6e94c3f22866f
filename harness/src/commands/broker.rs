//! `shakedown broker`: the contract broker, for the official clients of the Pact Broker and for this tool.

use contracts::broker::{Access, BrokerError, Courier, Credential, Hosts, Pace, Rights, Store, router_with_webhooks};
use tokio::net::TcpListener;

use crate::cli::BrokerArgs;
use crate::error::Error;
use crate::exit_code::Exit;
use crate::report::print;
use crate::signals;

pub(super) async fn run(args: BrokerArgs) -> Result<Exit, Error> {
    let access = access(&args)?;
    let hosts = Hosts::new(args.webhook_hosts.iter().map(String::as_str)).map_err(Error::Usage)?;
    let BrokerArgs { listen, database, base_url, .. } = args;
    let store = Store::open(&database).await.map_err(|e| Error::failed("the broker's database cannot be opened", e))?;
    let listener =
        TcpListener::bind(listen).await.map_err(|e| Error::failed(format!("cannot listen on `{listen}`"), e))?;
    let address = listener.local_addr().map_err(|e| Error::failed("the broker has no address", e))?;
    print::progress(&format!("contract broker on http://{address}"));
    let base = base_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let courier = Courier::new(store.clone(), hosts.clone(), &base, Pace::default())
        .map_err(|e| Error::failed("webhooks cannot be told anything", e))?;
    let trouble = |error: &BrokerError| print::progress(&format!("webhooks were not told: {error}"));
    let (stopped, stop) = tokio::sync::oneshot::channel::<()>();
    let told = courier.run(async move { drop(stop.await) }, trouble);
    let served = async move {
        let router = router_with_webhooks(store, access, base_url.as_deref(), hosts);
        let served = axum::serve(listener, router).with_graceful_shutdown(signals::terminated()).await;
        // What was not told by now is told by the next broker on this database.
        drop(stopped);
        served
    };
    let (served, ()) = tokio::join!(served, told);
    served.map_err(|e| Error::failed("the broker stopped", e))?;
    Ok(Exit::Passed)
}

/// Who may do what: whoever shows one of the credentials; without any, everybody on this machine.
fn access(args: &BrokerArgs) -> Result<Access, Error> {
    let given = [(&args.writers, Rights::Write), (&args.readers, Rights::Read)];
    let mut access = Access::nobody();
    for (credentials, rights) in given {
        for text in credentials {
            access = access.with(&credential(text)?, rights);
        }
    }
    if args.writers.is_empty() && !args.listen.ip().is_loopback() {
        return Err(Error::Usage(format!(
            "`{}` can be reached from other machines: name who may write in BROKER_WRITERS (or by `--writer`, which others \
             on this machine can see)",
            args.listen
        )));
    }
    if args.writers.is_empty() && args.readers.is_empty() {
        return Ok(Access::everybody());
    }
    Ok(if args.public_read { access.with_public_reading() } else { access })
}

/// `basic:USER:PASSWORD` or `bearer:TOKEN`; what is wrong with it is said without repeating it.
fn credential(text: &str) -> Result<Credential, Error> {
    let usage =
        || Error::Usage("a credential of the broker is neither `basic:USER:PASSWORD` nor `bearer:TOKEN`".to_owned());
    match text.split_once(':').ok_or_else(usage)? {
        ("bearer", token) if !token.is_empty() => Ok(Credential::Bearer(token.to_owned())),
        ("basic", pair) => match pair.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => {
                Ok(Credential::Basic { user: user.to_owned(), password: password.to_owned() })
            }
            _ => Err(usage()),
        },
        _ => Err(usage()),
    }
}
