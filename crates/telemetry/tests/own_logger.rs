//! An application that has a logger for the `log` crate keeps it. Alone in its process, as there is only one.

use std::sync::Mutex;

use telemetry::testing::capture;
use tracing_log::log;

struct Own(Mutex<Vec<String>>);

impl log::Log for Own {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        // What `tracing` writes before it has a subscriber goes to `log`, too.
        if record.target() == "own_logger" {
            self.0.lock().unwrap().push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

static OWN: Own = Own(Mutex::new(Vec::new()));

#[tokio::test]
async fn logger_of_the_application_stays() {
    log::set_logger(&OWN).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let capture = capture();
    let work = async {
        log::info!("for the logger");
        log::debug!("for nobody");
        tracing::info!("for the lines");
    };
    capture.run(work).await;
    assert_eq!(*OWN.0.lock().unwrap(), ["for the logger"]);
    let said: Vec<String> = capture.log_lines().iter().map(|line| line.message().to_owned()).collect();
    assert_eq!(said, ["for the lines"]);
}
