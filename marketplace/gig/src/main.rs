//! The gig service as a process.

fn main() -> std::process::ExitCode {
    platform::main("gig", gig::app)
}
