//! The users service as a process.

fn main() -> std::process::ExitCode {
    platform::main("users", users::app)
}
