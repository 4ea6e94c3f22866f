//! The chat service as a process.

fn main() -> std::process::ExitCode {
    platform::main("chat", chat::app)
}
