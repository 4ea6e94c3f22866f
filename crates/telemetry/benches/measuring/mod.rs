//! Stacks in processes of their own, measured in turns so that the noise of the machine hits all alike.

mod child;
mod parent;
mod rounds;
mod sink;

pub use child::{Figures, Meter, serve};
pub use parent::{Children, Place};
pub use rounds::measure;

use std::io::Write;

/// What a bench prints: results on stdout, everything else on stderr.
pub fn print(mut stream: impl Write, text: &str) {
    // A closed stream leaves nobody to tell.
    let _ = writeln!(stream, "{text}");
}

/// The value of `--name value` on the command line.
pub fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.next().and_then(|_| arguments.next())
}

/// Whether the command line has this flag.
pub fn flag(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}
