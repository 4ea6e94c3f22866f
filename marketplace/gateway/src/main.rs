//! The gateway as a process.

fn main() -> std::process::ExitCode {
    platform::main("gateway", gateway::app)
}
