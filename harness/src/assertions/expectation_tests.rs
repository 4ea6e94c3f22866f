use super::*;
use crate::assertions::fixture;

fn parse(yaml: &str) -> Result<Expectation, String> {
    serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
}

fn check(yaml: &str) -> Result<(), String> {
    let store = fixture::purchase().store();
    store.ingest_log_line("order", &fixture::log_line("INFO", "order placed", 1, 2, Some("c-1")));
    store.ingest_log_line("users", &fixture::log_line("WARN", "slow update", 2, 6, Some("c-1")));
    let flow = store.read(|view| crate::assertions::flow(view, &fixture::seed(1)));
    parse(yaml).expect("valid expectation").check(&flow)
}

fn failure(yaml: &str) -> String {
    check(yaml).expect_err("expectation should not hold")
}

#[test]
fn expectations_that_hold_are_silent() {
    for yaml in [
        "{ span: 'span[service=notification kind=consumer]', at_least: 1 }",
        "{ span: 'span[kind=consumer]', exactly: 2, linked_from: 'span[service=order kind=producer]', within: 200ms }",
        "{ span: 'span[name^=UPDATE]', follows: 'span[service=gateway]', within: 50ms }",
        "{ span: 'span[name^=INSERT]', parent: 'span[kind=server]' }",
        "{ span: 'span[status=error]', exactly: 0 }",
        "{ span: 'span[kind=server]', at_least: 1, at_most: 2 }",
        "{ span: 'span[service=order kind=server]', log: { message: placed } }",
        "{ log: { service: users, level: warn }, exactly: 1 }",
        "{ log: { level: error }, exactly: 0 }",
        "{ log: { fields: { correlation_id: c-1 } }, at_least: 2 }",
    ] {
        assert_eq!(check(yaml), Ok(()), "{yaml}");
    }
}

#[test]
fn missing_span_is_explained_by_the_nearest_miss() {
    insta::assert_snapshot!(failure("{ span: 'span[service=review kind=consumer name=\"process order.placed\"]' }"), @r#"
    expected at least 1 `span[service=review kind=consumer name="process order.placed"]`, found 0 among 7 spans of 3 traces (flow `purchase`, correlation id `c-1`)
      nearest miss: users consumer "process order.placed" (trace 00000000000000000000000000000002)
        service: expected = `review`, is `users`
        +    0.0ms    30.0ms  gateway server "POST /api/v1/gateway/order"
        +    2.0ms    23.0ms    order server "POST /api/v1/order"
        +    4.0ms     2.0ms      order internal "INSERT orders"
        +   20.0ms     2.0ms      order producer "send order.placed"
      > +   40.0ms     8.0ms        ~> users consumer "process order.placed"
        +   41.0ms     3.0ms          users internal "UPDATE sellers"
        +   42.0ms    48.0ms        ~> notification consumer "process order.placed"
    "#);
}

#[test]
fn span_that_is_late_or_unrelated_is_explained() {
    insta::assert_snapshot!(failure("{ span: 'span[service=notification]', linked_from: 'span[kind=producer]', within: 20ms }"), @r#"
    expected at least 1 `span[service=notification]` linked from `span[kind=producer]` within 20ms, found 0 among 7 spans of 3 traces (flow `purchase`, correlation id `c-1`)
      not counted: notification "process order.placed" (trace 00000000000000000000000000000003): it ends after 70.0ms instead of within 20ms
        +    0.0ms    30.0ms  gateway server "POST /api/v1/gateway/order"
        +    2.0ms    23.0ms    order server "POST /api/v1/order"
        +    4.0ms     2.0ms      order internal "INSERT orders"
        +   20.0ms     2.0ms      order producer "send order.placed"
        +   40.0ms     8.0ms        ~> users consumer "process order.placed"
        +   41.0ms     3.0ms          users internal "UPDATE sellers"
      > +   42.0ms    48.0ms        ~> notification consumer "process order.placed"
    "#);
    let unrelated = failure("{ span: 'span[service=users kind=internal]', parent: 'span[service=order]' }");
    assert!(unrelated.contains("its parent is not `span[service=order]`"), "{unrelated}");
    let silent = failure("{ span: 'span[service=gateway]', log: { level: warn } }");
    assert!(silent.contains("it wrote no log line at `warn` or above"), "{silent}");
}

#[test]
fn surplus_and_missing_lines_are_explained() {
    insta::assert_snapshot!(failure("{ span: 'span[kind=consumer]', exactly: 1 }"), @r#"
    expected exactly 1 `span[kind=consumer]`, found 2 among 7 spans of 3 traces (flow `purchase`, correlation id `c-1`)
      found: users "process order.placed" (trace 00000000000000000000000000000002)
      found: notification "process order.placed" (trace 00000000000000000000000000000003)
    "#);
    insta::assert_snapshot!(failure("{ log: { service: order, level: warn } }"), @"expected at least 1 log line of `order` at `warn` or above, found 0 among 2 log lines of order, users");
}

#[test]
fn senseless_expectations_are_refused() {
    for (yaml, problem) in [
        ("{ at_least: 1 }", "an expectation needs `span` or `log`"),
        ("{ span: 'span', exactly: 1, at_least: 1 }", "`exactly` excludes `at_least` and `at_most`"),
        ("{ span: 'span', at_least: 3, at_most: 2 }", "`at_least: 3` is more than `at_most: 2`"),
        ("{ span: 'span', within: 5 }", "`5` is not a duration"),
        ("{ log: {}, parent: 'span' }", "`parent` needs `span`"),
        ("{ log: { level: loud } }", "`loud` is not a level"),
        ("{ span: 'trace' }", "it does not begin with `span`"),
        ("{ span: 'span', twice: true }", "twice"),
    ] {
        let error = parse(yaml).expect_err(yaml);
        assert!(error.contains(problem), "{yaml}: {error}");
    }
}
