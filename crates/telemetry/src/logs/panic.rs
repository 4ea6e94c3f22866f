//! A panic is logged like everything else: one line, with its backtrace and the ids in force.

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::panic::{self, PanicHookInfo};
use std::time::Duration;

/// Longest time a panicking thread waits for its own line: it may be the last of the process.
const FLUSH: Duration = Duration::from_millis(250);

thread_local! {
    static LOGGING: Cell<bool> = const { Cell::new(false) };
}

/// Logs panics; the hook that was there is called only when `chain`, because it shows what we hide.
pub(crate) fn install_hook(chain: bool) {
    let previous = chain.then(panic::take_hook);
    panic::set_hook(Box::new(move |info| {
        // A panic in here would end the process before the hook that was there has said why.
        if !LOGGING.replace(true) {
            log(info);
            LOGGING.set(false);
        }
        if let Some(previous) = &previous {
            previous(info);
        }
    }));
}

fn log(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic with a payload that is no text");
    let location = info.location().map(ToString::to_string);
    tracing::error!(
        target: "panic",
        {
            exception.r#type = "panic",
            exception.message = message,
            exception.stacktrace = %Backtrace::force_capture(),
            code.location = location,
            thread.name = std::thread::current().name(),
        },
        "thread panicked: {message}"
    );
    if let Some(logs) = &crate::core::core().logs {
        logs.flush(FLUSH);
    }
}
