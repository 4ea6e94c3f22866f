//! Open-model load: arrivals follow a schedule fixed by the seed, whatever the system does about them.
//!
//! Three times are kept apart: *response* (from the intended start to the end: what a user who came at that moment would
//! have waited), *service* (from the actual start), and *lag* (how late the generator itself was).

mod judge;
mod pacer;
mod plan;
mod recorder;
mod result;
mod run;
mod schedule;
mod thresholds;
mod workload;

pub use pacer::Pacing;
pub use plan::{Arrivals, LoadPlan, PhaseSpan};
pub(crate) use recorder::TICK;
pub use recorder::{Ending, Recorder, Sample, Stretch};
pub use result::{Interval, LoadResult, Percentiles, ThresholdResult};
pub use run::{LoadControl, run_load};
pub(crate) use schedule::substream;
pub use schedule::{Schedule, Shape, ShapeError, Stage};
pub use thresholds::{Aggregate, Metric, Operator, Threshold, ThresholdError};
pub use workload::{Iteration, IterationResult, OperationRun, Workload};
