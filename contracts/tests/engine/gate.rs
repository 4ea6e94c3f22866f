//! May this version go there?

use std::collections::BTreeMap;

use contracts::gate::{Asked, Decision, Facts, Outcome, Place, Promise, Version, judge};
use proptest::prelude::*;

fn v(name: &str, number: &str) -> Version {
    Version::new(name, number)
}

fn asked(name: &str, number: &str) -> Asked {
    Asked { pacticipant: name.into(), wanted: format!("`{number}`"), versions: vec![number.into()] }
}

fn promise(consumer: Version, provider: &str, content: &str) -> Promise {
    Promise { consumer, provider: provider.into(), content: content.into() }
}

fn outcome(provider: Version, content: &str, number: i64, success: bool) -> Outcome {
    Outcome { provider, content: content.into(), number, success, broken: None }
}

fn present(there: &[(&str, &str)]) -> BTreeMap<String, Vec<String>> {
    let mut present: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, number) in there {
        present.entry((*name).to_owned()).or_default().push((*number).to_owned());
    }
    present
}

fn production() -> Place {
    Place::Environment("production".into())
}

fn said(subject: Asked, facts: &Facts) -> (Decision, Vec<String>) {
    let judgement = judge(&[subject], &production(), &[], facts);
    (judgement.decision, judgement.reasons.iter().map(ToString::to_string).collect())
}

#[test]
fn consumer_goes_where_each_version_of_its_provider_honours_its_pact() {
    let mut facts = Facts {
        promises: vec![promise(v("web", "7"), "order", "c1")],
        outcomes: vec![outcome(v("order", "1"), "c1", 1, true), outcome(v("order", "2"), "c1", 2, true)],
        present: present(&[("order", "1"), ("order", "2")]),
        ..Facts::default()
    };
    assert_eq!(
        said(asked("web", "7"), &facts),
        (Decision::Yes, vec!["All 2 pacts that are required are honoured".into()])
    );
    facts.outcomes.push(outcome(v("order", "2"), "c1", 3, false));
    let reasons = vec!["order (2) does not honour the pact of web (7)".to_owned()];
    assert_eq!(said(asked("web", "7"), &facts), (Decision::No, reasons));
    let broken = Some("`reading an order`: $.total: expected a number".to_owned());
    facts.outcomes.push(Outcome { broken, ..outcome(v("order", "2"), "c1", 4, false) });
    let because = "order (2) does not honour the pact of web (7): `reading an order`: $.total: expected a number";
    assert_eq!(said(asked("web", "7"), &facts), (Decision::No, vec![because.to_owned()]));
    // The last word counts, whatever order the facts come in.
    facts.outcomes.insert(0, outcome(v("order", "2"), "c1", 5, true));
    assert_eq!(said(asked("web", "7"), &facts).0, Decision::Yes);
}

#[test]
fn consumer_does_not_go_where_its_provider_is_missing_or_was_not_verified() {
    let mut facts = Facts { promises: vec![promise(v("web", "7"), "order", "c1")], ..Facts::default() };
    let missing = vec!["web (7) needs order, of which there is no version currently in `production`".to_owned()];
    assert_eq!(said(asked("web", "7"), &facts), (Decision::Unknown, missing));
    facts.present = present(&[("order", "1")]);
    // Of another content, and of another version.
    facts.outcomes = vec![outcome(v("order", "1"), "c0", 1, true), outcome(v("order", "2"), "c1", 2, true)];
    let unverified = vec!["Nobody has verified that order (1) honours the pact of web (7)".to_owned()];
    assert_eq!(said(asked("web", "7"), &facts), (Decision::Unknown, unverified));
}

#[test]
fn provider_goes_where_it_honours_those_who_are_there() {
    let facts = |outcomes: Vec<Outcome>| Facts {
        promises: vec![promise(v("web", "7"), "order", "c1"), promise(v("mail", "3"), "order", "c2")],
        outcomes,
        // Mail is not there, so what it expects does not matter yet.
        present: present(&[("web", "7"), ("order", "1")]),
        ..Facts::default()
    };
    let reasons = vec!["The one pact that is required is honoured".to_owned()];
    assert_eq!(
        said(asked("order", "2"), &facts(vec![outcome(v("order", "2"), "c1", 1, true)])),
        (Decision::Yes, reasons)
    );
    let reasons = vec!["order (2) does not honour the pact of web (7)".to_owned()];
    assert_eq!(
        said(asked("order", "2"), &facts(vec![outcome(v("order", "2"), "c1", 1, false)])),
        (Decision::No, reasons)
    );
    let reasons = vec!["Nobody has verified that order (2) honours the pact of web (7)".to_owned()];
    assert_eq!(
        said(asked("order", "2"), &facts(vec![outcome(v("order", "1"), "c1", 1, true)])),
        (Decision::Unknown, reasons)
    );
}

#[test]
fn who_needs_nobody_may_go_and_who_is_unknown_may_not() {
    let facts = Facts::default();
    let reasons = vec!["There is nobody whom clock needs, or who needs it".to_owned()];
    assert_eq!(said(asked("clock", "1"), &facts), (Decision::Yes, reasons));
    let unknown = Asked { pacticipant: "clock".into(), wanted: "`9`".into(), versions: Vec::new() };
    assert_eq!(said(unknown, &facts), (Decision::Unknown, vec!["No version of clock is known that is `9`".to_owned()]));
    assert_eq!(judge(&[], &production(), &[], &facts).decision, Decision::Unknown);
}

#[test]
fn versions_that_go_together_are_judged_together() {
    let facts = Facts {
        promises: vec![promise(v("web", "8"), "order", "c2"), promise(v("web", "7"), "order", "c1")],
        outcomes: vec![outcome(v("order", "2"), "c2", 1, true)],
        present: present(&[("web", "7"), ("order", "1")]),
        ..Facts::default()
    };
    // Each alone would break the other that is there.
    assert_eq!(said(asked("web", "8"), &facts).0, Decision::Unknown);
    assert_eq!(said(asked("order", "2"), &facts).0, Decision::Unknown);
    let both = judge(&[asked("web", "8"), asked("order", "2")], &production(), &[], &facts);
    assert_eq!((both.decision, both.rows.len()), (Decision::Yes, 1));
}

#[test]
fn what_is_ignored_does_not_count_and_is_said() {
    let facts = Facts {
        promises: vec![promise(v("web", "7"), "order", "c1")],
        outcomes: vec![outcome(v("order", "1"), "c1", 1, false)],
        present: present(&[("order", "1")]),
        ..Facts::default()
    };
    let judgement = judge(&[asked("web", "7")], &production(), &["order".to_owned()], &facts);
    assert_eq!(judgement.decision, Decision::Yes);
    let reasons: Vec<String> = judgement.reasons.iter().map(ToString::to_string).collect();
    assert!(reasons.contains(&"Pacts with order were ignored, as asked".to_owned()), "{reasons:?}");
}

#[test]
fn pact_that_was_deleted_is_nothing_that_is_known() {
    let facts = Facts {
        promises: vec![promise(v("web", "7"), "order", "c1")],
        withdrawn: vec![(v("web", "7"), "users".into())],
        outcomes: vec![outcome(v("order", "1"), "c1", 1, true), outcome(v("order", "2"), "c1", 2, true)],
        present: present(&[("order", "1"), ("web", "7")]),
    };
    let reason = "The pact of web (7) with users was deleted, so nobody knows what it expects".to_owned();
    assert_eq!(said(asked("web", "7"), &facts), (Decision::Unknown, vec![reason.clone()]));
    assert_eq!(said(asked("users", "1"), &facts), (Decision::Unknown, vec![reason]));
    // Between others, and of a version that is not there.
    assert_eq!(said(asked("order", "2"), &facts).0, Decision::Yes);
    let gone = Facts { present: present(&[("order", "1")]), ..facts.clone() };
    assert_eq!(said(asked("users", "1"), &gone).0, Decision::Yes);
    assert_eq!(judge(&[asked("web", "7")], &production(), &["users".to_owned()], &facts).decision, Decision::Yes);
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let version = || (prop::sample::select(vec!["a", "b", "c"]), prop::sample::select(vec!["1", "2"]));
    let content = || prop::sample::select(vec!["x", "y"]);
    let promises = prop::collection::vec((version(), prop::sample::select(vec!["a", "b", "c"]), content()), 0..6);
    let outcomes = prop::collection::vec((version(), content(), any::<bool>()), 0..8);
    let there = prop::collection::vec(version(), 0..5);
    (promises, outcomes, there).prop_map(|(promises, outcomes, there)| Facts {
        promises: promises
            .into_iter()
            .map(|((name, number), provider, content)| promise(v(name, number), provider, content))
            .collect(),
        outcomes: outcomes
            .into_iter()
            .enumerate()
            .map(|(at, ((name, number), content, success))| outcome(v(name, number), content, at as i64, success))
            .collect(),
        present: present(&there),
        ..Facts::default()
    })
}

proptest! {
    /// Nobody gets a yes by knowing less.
    #[test]
    fn forgetting_a_verification_never_makes_a_yes(facts in any_facts(), at in any::<prop::sample::Index>()) {
        let before = judge(&[asked("a", "1")], &production(), &[], &facts);
        let successes: Vec<usize> = (0..facts.outcomes.len()).filter(|&at| facts.outcomes[at].success).collect();
        prop_assume!(!successes.is_empty());
        let mut fewer = facts.clone();
        let forgotten = fewer.outcomes.remove(successes[at.index(successes.len())]);
        // Without an older failure that comes to light, that is.
        let shadowed = fewer.outcomes.iter().any(|each| each.provider == forgotten.provider && each.content == forgotten.content);
        let after = judge(&[asked("a", "1")], &production(), &[], &fewer);
        prop_assert!(before.decision.is_yes() || !after.decision.is_yes() || shadowed);
    }

    /// A yes means that every row says so, and a failure anywhere means no.
    #[test]
    fn decision_follows_from_the_rows(facts in any_facts()) {
        let judgement = judge(&[asked("a", "1")], &production(), &[], &facts);
        let successes: Vec<Option<bool>> = judgement.rows.iter().map(|row| row.success).collect();
        let expected = if successes.contains(&Some(false)) {
            Decision::No
        } else if successes.contains(&None) {
            Decision::Unknown
        } else {
            Decision::Yes
        };
        prop_assert_eq!(judgement.decision, expected);
        prop_assert!(!judgement.reasons.is_empty());
    }
}
