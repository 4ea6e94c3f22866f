//! Waiting until the system is at rest.

use std::time::{Duration, Instant};

use chaos::UnmetCondition;

use super::system::RunningSystem;

/// Looks in a row that must find nothing pending. Tables are read one after the other, so that a message on its way from
/// one that was not read yet to one that was read already could be missed by a single look.
const LOOKS: u32 = 3;
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(60);

impl RunningSystem {
    /// Waits until every table of `[rest]` is empty in several looks in a row.
    ///
    /// # Errors
    ///
    /// The conditions that the last look before the deadline found unmet.
    pub async fn rested(&self, within: Duration) -> Result<(), Vec<UnmetCondition>> {
        let deadline = Instant::now() + within;
        // What a broker says of its queues may be old: it must say the same for longer than that.
        let settled = self.broker.as_ref().map_or(Duration::ZERO, |broker| broker.stale());
        let mut quiet = 0;
        let mut quiet_since = Instant::now();
        loop {
            let unmet = self.pending().await;
            quiet = if unmet.is_empty() { quiet + 1 } else { 0 };
            if quiet == 0 {
                quiet_since = Instant::now();
            }
            if quiet >= LOOKS && quiet_since.elapsed() >= settled {
                return Ok(());
            }
            if Instant::now() + PAUSE > deadline {
                if unmet.is_empty() {
                    let condition = "the system stays at rest".to_owned();
                    let (looks, seconds) = (LOOKS, settled.as_secs_f64());
                    let found = format!("{quiet} looks in a row found nothing pending, of {looks} over {seconds:.1} s");
                    return Err(vec![UnmetCondition { condition, found }]);
                }
                return Err(unmet);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What is not empty now.
    async fn pending(&self) -> Vec<UnmetCondition> {
        let mut unmet = Vec::new();
        for name in &self.rest {
            let condition = format!("table `{name}` is empty");
            match self.observer.table(name).await {
                Ok(table) if table.rows.is_empty() => {}
                Ok(table) => {
                    let first = table.rows.first().map_or_else(String::new, |row| {
                        let text = serde_json::Value::Object(row.clone()).to_string();
                        text.chars().take(200).collect()
                    });
                    let found = format!("{} rows, the first is {first}", table.rows.len());
                    unmet.push(UnmetCondition { condition, found });
                }
                Err(error) => unmet.push(UnmetCondition { condition, found: error.to_string() }),
            }
        }
        unmet
    }
}
