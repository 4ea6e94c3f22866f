//! gig
