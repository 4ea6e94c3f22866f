//! May this version go there? The answer is worked out from facts alone, and has a reason for each thing that decides.
//!
//! The rules are those of the Pact Broker ("can I deploy", <https://docs.pact.io/pact_broker/can_i_deploy>):
//!
//! - a consumer needs its providers where it goes: each version of them that is there must have honoured its pact;
//! - a provider needs nobody; but each version of its consumers that is there must have its pact honoured by it;
//! - what is not known is not a yes: a missing verification, a provider that is not there and a version nobody has heard
//!   of each make the answer no;
//! - who has no pact with anybody may go anywhere.

mod facts;
mod judge;
mod reason;

pub use facts::{Facts, Outcome, Place, Promise, Version};
pub use judge::{Asked, Decision, Judgement, Row, judge};
pub use reason::Reason;
