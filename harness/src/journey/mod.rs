//! Journeys: user stories that are driven through the system's front door, once as a test and many times as load.

mod attempt;
mod cast;
mod mailbox;
mod plan;
mod run;
mod schema;
mod spans;
mod template;
mod workload;

pub use cast::Cast;
pub use plan::{Journey, JourneyProblem, Journeys};
pub use run::{Answered, ClientSpan, ClientSpans, JourneyRun, Mailbox, Runner, Start, StepRun, Witness};
pub use schema::{ExpectFile, JourneyFile, MailFile, Setups, StepFile};
pub use spans::CLIENT;
pub use template::{Scope, Template, TemplateError, ValueTemplate};
pub use workload::JourneyWorkload;
