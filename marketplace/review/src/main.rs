//! The review service.

fn main() -> std::process::ExitCode {
    platform::main("review", review::app)
}
