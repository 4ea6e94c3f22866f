//! The notification service.

fn main() -> std::process::ExitCode {
    platform::main("notification", notification::app)
}
