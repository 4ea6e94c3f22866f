//! Runs the order service.

fn main() -> std::process::ExitCode {
    platform::main("order", order::app)
}
