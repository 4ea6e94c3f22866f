//! What happens beside the links: dead gateways are given up, old pushes removed, and who is online is read when it has
//! changed, here or through another instance of this service.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Live, ms, now_ms, presence, pushes};

/// How often old pushes are removed.
const PURGE: Duration = Duration::from_secs(60);

/// How long changes of presence are gathered before they are told.
const GATHER: Duration = Duration::from_millis(50);

/// Runs until the service stops.
pub(super) async fn run(live: Live) {
    let mut upkeep = Upkeep { version: None, expired: None, purged: None, failing: false };
    loop {
        match upkeep.round(&live).await {
            Ok(()) => upkeep.failing = false,
            // Told once: the database's health has a signal of its own.
            Err(error) if !upkeep.failing => {
                upkeep.failing = true;
                tracing::warn!(error = %error, "presence cannot be read, will try again");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = live.stopping.cancelled() => return,
            // Many who come or go together, as after a break, are told together.
            () = live.moved.notified() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(live.settings.poll) => {}
        }
    }
}

struct Upkeep {
    version: Option<i64>,
    expired: Option<Instant>,
    purged: Option<Instant>,
    failing: bool,
}

impl Upkeep {
    async fn round(&mut self, live: &Live) -> Result<(), sqlx::Error> {
        if due(&mut self.expired, live.settings.expiry / 4) {
            let gone = presence::expire(&live.database, now_ms() - ms(live.settings.expiry)).await?;
            if gone > 0 {
                tracing::warn!(gateways = gone, "gateways were not seen for too long and count as dead");
            }
        }
        if due(&mut self.purged, PURGE) {
            pushes::purge(&live.database, now_ms()).await?;
        }
        let version = presence::version(&live.database).await?;
        if self.version != Some(version) {
            let online = Arc::new(presence::online(&live.database).await?);
            self.version = Some(version);
            live.online.send_replace(Some(online));
        }
        Ok(())
    }
}

fn due(last: &mut Option<Instant>, every: Duration) -> bool {
    let due = last.is_none_or(|last| last.elapsed() >= every);
    if due {
        *last = Some(Instant::now());
    }
    due
}
