//! What killing and stopping have in common: the service is gone until it is started again.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::TcpStream;

use super::{Before, Proof};
use crate::system::{System, SystemError};

/// Time for which a connection attempt may hang before it counts as not refused.
const CONNECT: Duration = Duration::from_millis(250);

/// The service as it is now; an error when there is nothing that could be taken down.
pub(super) fn running(system: &dyn System, service: &str, action: &'static str) -> Result<Before, SystemError> {
    let pid = system.pid(service).ok_or_else(|| SystemError::Failed {
        action,
        target: service.to_owned(),
        reason: "it is not running".to_owned(),
    })?;
    Ok(Before { pid: Some(pid), address: system.address(service), ..Before::default() })
}

/// Evidence that a service is gone: its process, and whoever listened.
pub(super) async fn gone(system: &dyn System, service: &str, before: &Before) -> Proof {
    let was = before.pid.map_or_else(|| "the process".to_owned(), |pid| format!("process {pid}"));
    if system.pid(service).is_some_and(|now| Some(now) == before.pid) {
        return Proof::NotYet(format!("{was} of `{service}` is still there"));
    }
    let Some(address) = before.address else {
        return Proof::Bitten(format!("{was} of `{service}` is gone"));
    };
    match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
            Proof::Bitten(format!("{was} of `{service}` is gone and {address} refuses connections"))
        }
        _ => Proof::NotYet(format!("{was} of `{service}` is gone, but {address} does not refuse connections")),
    }
}
