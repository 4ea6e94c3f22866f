//! The auth service as a process.

fn main() -> std::process::ExitCode {
    platform::main("auth", auth::app)
}
