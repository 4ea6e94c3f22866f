//! The check of values against schemas, beside an independent validator and by examples.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::budget::MAX_STEPS;
use super::fields::{fields, used};
use super::fit::{Side, misfits};
use super::schema::Schema;

fn found(schema: &Value, value: &Value, side: Side) -> Vec<String> {
    let root = json!({ "openapi": "3.1.0", "schema": schema });
    let misfits = misfits(&Schema::new(&root, &root["schema"]), value, side);
    misfits.into_iter().map(|misfit| format!("{}: {}", misfit.path, misfit.sentence)).collect()
}

fn order() -> Value {
    json!({
        "type": "object",
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "state": { "type": "string", "enum": ["open", "done"] },
            "note": { "oneOf": [{ "type": "null" }, { "type": "string", "maxLength": 3 }] },
            "lines": { "type": "array", "items": {
                "type": "object", "properties": { "amount": { "type": "integer", "minimum": 1 } },
            } },
        },
        "required": ["id", "state"],
    })
}

#[test]
fn a_consumer_may_expect_a_part_but_nothing_beyond() {
    assert_eq!(found(&order(), &json!({ "state": "open", "note": null }), Side::Response), [""; 0]);
    let lines = json!([{ "amount": 1 }, { "amount": 0.5, "tax": 1 }]);
    let expected = json!({ "id": 7, "state": "lost", "note": "long", "price": 1, "lines": lines });
    assert_eq!(
        found(&order(), &expected, Side::Response),
        [
            "$.id: expected string, got `7`",
            "$.lines[1].amount: expected integer, got `0.5`",
            "$.lines[1].tax: the document promises no such field",
            "$.note: expected at most 3 characters, got 4",
            "$.price: the document promises no such field",
            "$.state: expected `\"open\"` or `\"done\"`, got `\"lost\"`",
        ]
    );
}

#[test]
fn a_consumer_must_send_the_whole_and_may_send_more() {
    assert_eq!(found(&order(), &json!({ "id": "a", "state": "open", "price": 1 }), Side::Request), [""; 0]);
    let found = found(&order(), &json!({ "state": "open" }), Side::Request);
    assert_eq!(found, ["$.id: the document requires it, but it is missing"]);
}

#[test]
fn fields_that_are_forbidden_are_told() {
    let closed = json!({ "type": "object", "properties": { "a": {} }, "additionalProperties": false });
    assert_eq!(found(&closed, &json!({ "a": 1, "b": 2 }), Side::Request), ["$.b: the document allows no such field"]);
    let map = json!({ "type": "object", "additionalProperties": { "type": "integer" } });
    assert_eq!(found(&map, &json!({ "a": 1, "b": "x" }), Side::Response), ["$.b: expected integer, got `\"x\"`"]);
    assert_eq!(found(&json!({ "type": "object" }), &json!({ "a": 1 }), Side::Response), [""; 0]);
}

#[test]
fn of_alternatives_the_nearest_is_told() {
    let shape = |kind: &str| json!({ "properties": { "kind": { "const": kind }, "size": { "type": "integer" } } });
    let schema = json!({ "oneOf": [shape("circle"), shape("square")], "properties": { "id": {} } });
    assert_eq!(found(&schema, &json!({ "id": 1, "kind": "square", "size": 2 }), Side::Response), [""; 0]);
    let wrong = found(&schema, &json!({ "kind": "square", "size": "large", "hue": 1 }), Side::Response);
    assert_eq!(wrong, ["$.hue: the document promises no such field", "$.size: expected integer, got `\"large\"`"]);
}

#[test]
fn a_schema_inside_itself_is_checked_as_deep_as_the_value_goes() {
    let root = json!({
        "openapi": "3.1.0",
        "tree": { "type": "object", "properties": { "name": { "type": "string" }, "left": { "$ref": "#/tree" } } },
        "loop": { "anyOf": [{ "$ref": "#/loop" }, { "allOf": [{ "$ref": "#/loop" }] }] },
    });
    let tree = json!({ "left": { "left": { "name": 1 } } });
    let misfits_of = |name: &str, value: &Value| misfits(&Schema::new(&root, &root[name]), value, Side::Response);
    assert_eq!(misfits_of("tree", &tree)[0].path, "$.left.left.name");
    assert_eq!(misfits_of("loop", &tree), []);
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-3i64..3).prop_map(Value::from),
        Just(json!(0.5)),
        "[ab]{0,3}".prop_map(Value::from)
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Schemas of what both sides judge alike: alternatives without null, which is ours to put together.
fn schema() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["boolean", "integer", "number", "string", "array", "object"]);
    let keyword = prop_oneof![
        kind.prop_map(|kind| json!({ "type": kind })),
        Just(json!({ "type": ["string", "null"] })),
        prop::collection::vec(leaf(), 1..4).prop_map(|values| json!({ "enum": values })),
        (0u8..3).prop_map(|limit| json!({ "minLength": limit, "maxItems": limit })),
        (-2i8..2).prop_map(|limit| json!({ "minimum": limit, "exclusiveMaximum": limit + 2 })),
        Just(json!({ "pattern": "^a" })),
        Just(json!(true)),
    ];
    keyword.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|items| json!({ "items": items })),
            (prop::collection::btree_map("[a-c]", inner.clone(), 0..3), prop::collection::vec("[a-c]", 0..2))
                .prop_map(|(properties, required)| json!({ "properties": properties, "required": required })),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|all| json!({ "allOf": all })),
            prop::collection::vec(inner, 2..4)
                .prop_filter("alternatives with null", |all| !all.iter().any(|one| one.to_string().contains("null")))
                .prop_map(|any| json!({ "anyOf": any })),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn requests_are_judged_as_an_independent_validator_judges_them(schema in schema(), value in value()) {
        let fits = jsonschema::draft202012::is_valid(&schema, &value);
        let found = found(&schema, &value, Side::Request);
        prop_assert_eq!(found.is_empty(), fits, "{}", found.join("\n"));
    }
}

#[test]
fn nothing_fits_a_reference_that_leads_nowhere() {
    let found = found(&json!({ "$ref": "#/nowhere" }), &json!(1), Side::Request);
    assert_eq!(found, ["$: expected nothing, got `1`"]);
}

#[test]
fn what_only_one_side_says_is_not_asked_of_the_other() {
    let user = json!({
        "type": "object", "required": ["id", "name", "password"],
        "properties": {
            "id": { "type": "string", "readOnly": true }, "name": { "type": "string" },
            "password": { "allOf": [{ "type": "string", "writeOnly": true }] },
        },
    });
    assert_eq!(found(&user, &json!({ "name": "a", "password": "b" }), Side::Request), [""; 0]);
    assert_eq!(
        found(&user, &json!({ "id": "a", "password": "b" }), Side::Request),
        ["$.name: the document requires it, but it is missing"]
    );
    assert_eq!(found(&user, &json!({ "id": "7", "name": "a" }), Side::Said), [""; 0]);
    assert_eq!(
        found(&user, &json!({ "name": "a" }), Side::Said),
        ["$.id: the document requires it, but it is missing"]
    );
    for side in [Side::Response, Side::Said] {
        assert_eq!(
            found(&user, &json!({ "id": "7", "name": "a", "password": "b" }), side),
            ["$.password: the document says `writeOnly`: it is sent, and never comes back"]
        );
    }
}

/// Schemas of lists of lists of alternatives, each the next level.
fn wicked() -> Value {
    let mut schemas = serde_json::Map::new();
    for level in 0..4 {
        let next: Vec<Value> =
            (0..60).map(|at| json!({ "$ref": format!("#/level{}", level + 1), "title": format!("{at}") })).collect();
        let parts: Vec<Value> = (0..60).map(|_| json!({ "oneOf": next })).collect();
        schemas.insert(format!("level{level}"), json!({ "allOf": parts, "pattern": format!("^{level}") }));
    }
    schemas.insert("level4".into(), json!({ "type": "integer", "properties": { "a": {} } }));
    schemas.insert("openapi".into(), "3.1.0".into());
    schemas.into()
}

#[test]
fn alternatives_that_multiply_are_given_up_and_told() {
    let root = wicked();
    let schema = Schema::new(&root, &root["level0"]);
    let told = "the document has too many alternatives here to be checked";
    for value in [json!("text"), json!({ "a": { "b": 1 }, "c": 2 })] {
        let found = misfits(&schema, &value, Side::Response);
        assert!(found.iter().any(|misfit| misfit.sentence == told), "{found:?}");
        used(&schema, &value);
    }
    fields(&schema);
    // Whatever is asked, one look costs no more than its budget and its last step.
    let most = MAX_STEPS + 10_000;
    let looks: [fn(&Schema<'_>); 5] = [
        |schema| _ = schema.types(),
        |schema| _ = schema.known_properties(),
        |schema| _ = schema.known_items(),
        |schema| _ = schema.is_open(),
        |schema| _ = schema.knows("b"),
    ];
    for (at, look) in looks.into_iter().enumerate() {
        let (schema, budget) = schema.anew();
        look(&schema);
        let spent = budget.spent();
        assert!(0 < spent && spent <= most, "look {at} took {spent} steps");
    }
}
