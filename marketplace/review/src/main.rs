//! Runs the review service.

fn main() -> std::process::ExitCode {
    platform::main("review", review::app)
}
