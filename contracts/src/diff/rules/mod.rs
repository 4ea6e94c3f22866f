//! The rules, one file each: what it looks for, why that matters, when it breaks somebody, and how to mend it.

mod event_address_changed;
mod event_content_type_changed;
mod event_exchange_changed;
mod event_removed;
mod event_version_changed;
mod metadata_optional;
mod metadata_removed;
mod operation_moved;
mod operation_removed;
mod request_alternative_removed;
mod request_body_required;
mod request_enum_narrowed;
mod request_fields_closed;
mod request_format_changed;
mod request_items_tightened;
mod request_length_tightened;
mod request_media_type_removed;
mod request_null_refused;
mod request_parameter_removed;
mod request_parameter_required;
mod request_pattern_changed;
mod request_property_removed;
mod request_property_required;
mod request_range_tightened;
mod request_type_narrowed;
mod response_alternative_added;
mod response_bounds_widened;
mod response_enum_value_added;
mod response_enum_value_removed;
mod response_format_changed;
mod response_header_optional;
mod response_header_removed;
mod response_media_type_removed;
mod response_null_added;
mod response_pattern_changed;
mod response_property_optional;
mod response_property_removed;
mod response_status_removed;
mod response_type_changed;
mod security_added;
mod unjudged_keyword_changed;

use std::fmt;

use super::pair::{EventPair, OperationPair, SchemaPair, Versions};
use super::report::Report;

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name, which never changes.
    pub id: &'static str,
    /// What it looks for.
    pub what: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// When it is an error and not a warning.
    pub breaking: &'static str,
    /// How to reach the same without breaking anybody.
    pub mend: &'static str,
    pub(crate) check: Check,
}

/// What a rule is given, one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    /// Both documents, once.
    Versions(fn(&Versions<'_>, &mut Report)),
    /// Each operation that both have.
    Operation(fn(&OperationPair<'_>, &mut Report)),
    /// Each event that both have.
    Event(fn(&EventPair<'_>, &mut Report)),
    /// Each schema that both have at one place of an operation or event.
    Schema(fn(&SchemaPair<'_>, &mut Report)),
    /// Nothing: the comparison itself says it.
    None,
}

/// Id of what the comparison itself says when it was cut off.
pub(crate) const NOT_COMPARED: &str = "not-compared";

/// All rules, in the order of a request and its answer.
pub const RULES: &[Rule] = &[
    operation_removed::RULE,
    operation_moved::RULE,
    request_parameter_required::RULE,
    request_parameter_removed::RULE,
    request_body_required::RULE,
    request_property_required::RULE,
    request_property_removed::RULE,
    request_type_narrowed::RULE,
    request_null_refused::RULE,
    request_enum_narrowed::RULE,
    request_length_tightened::RULE,
    request_range_tightened::RULE,
    request_items_tightened::RULE,
    request_pattern_changed::RULE,
    request_format_changed::RULE,
    request_fields_closed::RULE,
    request_media_type_removed::RULE,
    request_alternative_removed::RULE,
    security_added::RULE,
    response_status_removed::RULE,
    response_media_type_removed::RULE,
    response_header_removed::RULE,
    response_header_optional::RULE,
    response_property_removed::RULE,
    response_property_optional::RULE,
    response_type_changed::RULE,
    response_null_added::RULE,
    response_enum_value_added::RULE,
    response_enum_value_removed::RULE,
    response_format_changed::RULE,
    response_pattern_changed::RULE,
    response_bounds_widened::RULE,
    response_alternative_added::RULE,
    event_removed::RULE,
    event_version_changed::RULE,
    event_address_changed::RULE,
    event_exchange_changed::RULE,
    event_content_type_changed::RULE,
    metadata_removed::RULE,
    metadata_optional::RULE,
    unjudged_keyword_changed::RULE,
    Rule {
        id: NOT_COMPARED,
        what: "A part of the documents is too large to be compared.",
        why: "What was not compared may have changed in any way.",
        breaking: "Always.",
        mend: "Split the schema, or limit how deep it is nested.",
        check: Check::None,
    },
];

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, what, why, breaking, mend, .. } = self;
        write!(
            f,
            "{id}
  {what}
  Why:      {why}
  An error: {breaking}
  Mend:     {mend}"
        )
    }
}
