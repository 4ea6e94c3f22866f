//! Comparing two versions of a document: the whole of what is said, and what holds for any two documents.

mod catalogue;
mod marketplace;
mod whole;
