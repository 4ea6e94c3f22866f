//! Runs the payment provider.

fn main() -> std::process::ExitCode {
    platform::main("payments-sim", payments_sim::app)
}
