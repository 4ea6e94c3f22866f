//! What a user reads when a `shakedown.toml` is wrong, and what the parts read when it is right.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn errors(text: &str) -> String {
    Config::parse(text, Path::new("shakedown.toml"), None)
        .map_or_else(|errors| errors.to_string(), |config| format!("accepted: {config:?}"))
}

const SMALL: &str = r#"
[system]
name = "shop"
entry = "front"

[broker]
kind = "embedded"

[mail]

[defaults]
env = { LOG = "info", BROKER = "amqp://${link:broker}/" }
ready = { http = "/health/ready", within = "3s" }

[services.front]
command = ["${exe_dir}/front"]
env = { LISTEN = "127.0.0.1:${port}", BACK = "http://${link:back}", LOG = "debug" }
ready = { within = "7s" }

[services.back]
command = ["python3", "back.py"]
ready = { log = "listening on \\d+" }
stop = { signal = "INT", within = "500ms" }
restart = "on-failure"
env = { DB = "sqlite://${data}/back.db", MAIL = "smtp://${link:smtp}", PG = "${link:postgres}" }

[links]
postgres = "127.0.0.1:5432"

[journeys]
dir = "."

[load]
journey = "buy"
rate = "90/m"
duration = "1m"
thresholds = ["buy.ok >= 99%"]
quick = { duration = "5s" }

[observe.pending]
queues = { pending = true, except = ["*.dead"] }

[observe.sold]
http = { service = "back", path = "/sold", rows = "/items", columns = { id = "/id" } }

[rest]
empty = ["pending"]
"#;

#[test]
fn a_right_file_is_read_with_defaults_applied() {
    let config = Config::parse(SMALL, Path::new("shakedown.toml"), None).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.system.seed, 42);
    assert_eq!(config.broker, Some(Broker::Embedded));
    let front = &config.services["front"];
    assert_eq!(front.env["LOG"], "debug");
    assert_eq!(front.links(), ["back", "broker"]);
    assert!(matches!(&front.ready.condition, ReadyCondition::Http(path) if path == "/health/ready"));
    assert_eq!(front.ready.within, Duration::from_secs(7));
    let back = &config.services["back"];
    assert!(matches!(&back.ready.condition, ReadyCondition::Log(_)));
    assert_eq!(back.ready.within, Duration::from_secs(3));
    assert_eq!(back.stop, Stop { signal: StopSignal::Int, within: Duration::from_millis(500) });
    assert_eq!(back.restart, Restart::OnFailure);
    let load = config.load.expect("a load");
    assert_eq!((load.full.rate, load.quick.rate), (1.5, 1.5));
    assert_eq!((load.full.duration, load.quick.duration), (Duration::from_secs(60), Duration::from_secs(5)));
    assert!(matches!(&config.observe["sold"], Source::Http { url, .. } if url == "http://${service:back}"));
    assert_eq!(config.rest.within, Duration::from_secs(10));
}

#[test]
fn every_mistake_is_reported_with_its_place_and_the_nearest_name() {
    let text = r#"
[system]
name = "shop"
entry = "fornt"
sede = 3

[services.front]
comand = ["front"]
ready = { http = "health", within = 10 }
env = { BACK = "http://${link:bakc}", MQ = "${link:broker}", X = "${prot}", Y = "${port", N = 1 }

[services.back]
command = ["back"]
port = 70000
stop = { signal = "HUP" }

[load]
journey = "buy"
rate = "20"

[observe.both]
mail = {}
sql = { database = "sqlite://${data:bcak}/x.db" }

[observe.http]
http = { service = "frond", path = "/x", rows = "items" }

[rest]
empty = ["bth"]
"#;
    insta::assert_snapshot!(errors(text), @r#"
    shakedown.toml:4:9: `system.entry` names the unknown service `fornt`
      did you mean `front`? services: `back`, `front`
    shakedown.toml:5:1: unknown key `sede` in `system`
      did you mean `seed`? accepted: `build`, `entry`, `name`, `seed`
    shakedown.toml:7:1: `services.front` lacks `command`
      expected an array: the program, then its arguments, as in `["cargo", "build"]`
    shakedown.toml:8:1: unknown key `comand` in `services.front`
      did you mean `command`? accepted: `command`, `dir`, `env`, `port`, `ready`, `restart`, `stop`
    shakedown.toml:9:18: `services.front.ready.http` is `health`, expected a path that starts with `/`
    shakedown.toml:9:37: `services.front.ready.within` is `10`, expected a duration such as `250ms`, `10s` or `2m`
    shakedown.toml:10:16: unknown placeholder `${link:bakc}`
      did you mean `back`? peers: `back`, `front`
    shakedown.toml:10:44: unknown placeholder `${link:broker}`
      there is no `[broker]` in the file
    shakedown.toml:10:66: unknown placeholder `${prot}`
      did you mean `port`? accepted here: `port`, `data`, `link:NAME`, `backend:NAME`, `otlp`, `exe_dir`, `target_dir`, `profile`, `run_id`
    shakedown.toml:10:81: `${port` has a `${` that is never closed; a literal `${` is written `$${`
    shakedown.toml:12:1: `services.back` does not say when it is ready
      expected `ready = { http = "/path" }`, `ready = { tcp = true }` or `ready = { log = "pattern" }`, here or in `[defaults]`
    shakedown.toml:14:8: `services.back.port` is `70000`, expected a port from 1 to 65535
    shakedown.toml:15:19: `services.back.stop.signal` is `HUP`
      accepted: `TERM`, `INT`, `QUIT`
    shakedown.toml:17:1: `load` lacks `duration`
      expected a duration such as `60s`
    shakedown.toml:19:8: `load.rate` is `20`, expected a rate above zero such as `40/s` or `90/m`
    shakedown.toml:21:1: `observe.both` has 2 sources
      expected exactly one of `sql`, `http`, `mail`, `queues`, `messages`, `history`
    shakedown.toml:23:7: `observe.both.sql` lacks `query`
      expected an SQL query
    shakedown.toml:26:20: unknown placeholder `${service:frond}`
      did you mean `front`? services: `back`, `front`
    shakedown.toml:26:49: `observe.http.http.rows` has `items`, which is no JSON pointer
      did you mean `/items`?
    shakedown.toml:29:10: `rest.empty` names the unknown table `bth`
      did you mean `both`? tables of `[observe]`: `both`, `http`
    "#);
}

#[test]
fn mistakes_in_what_other_parts_read_have_their_place_too() {
    let text = SMALL.replace("buy.ok >= 99%", "buy.ok about 99%")
        + r#"
[[invariant]]
name = "sold_once"
says = "every item is sold once"
at_most_once = { table = "slod", key = "id" }

[[invariant]]
name = "nothing_left"
says = "nothing is left"
empty = { tabel = "pending" }

[[invariant]]
name = "no_check"
says = "nothing"
"#;
    insta::assert_snapshot!(errors(&text), @r#"
    shakedown.toml:37:15: `load.thresholds[0]`: `about` at character 8 of `buy.ok about 99%`, expected `<`, `<=`, `>` or `>=`
    shakedown.toml:49:1: invariant `sold_once` names the unknown table `slod`
      did you mean `sold`? tables of `[observe]`: `pending`, `sold`
    shakedown.toml:57:11: unknown field `tabel`, expected one of `table`, `except`, `key`
    shakedown.toml:59:1: invariant `no_check` has 0 checks; expected exactly one of `each_once`, `equal`, `at_most_once`, `legal_path`, `conserved`, `empty`, `mean`
    "#);
}

#[test]
fn broken_syntax_is_reported_before_anything_else() {
    insta::assert_snapshot!(errors("[system]\nname = \"shop\nentry = 3\n[services.a\n"), @r#"
    shakedown.toml:2:13: invalid basic string, expected `"`
    shakedown.toml:4:12: unclosed table, expected `]`
    "#);
}

#[test]
fn an_empty_file_says_what_is_needed() {
    insta::assert_snapshot!(errors(""), @r#"
    shakedown.toml:1:1: the file lacks `services`
      expected at least one table `[services.NAME]`
    shakedown.toml:1:1: the file lacks `system`
      expected a table `[system]` with `name` and `entry`
    "#);
}

#[test]
fn an_unreadable_file_is_named() {
    let errors =
        Config::load(Path::new("no/such/shakedown.toml"), None).expect_err("there is no such file").to_string();
    assert!(errors.starts_with("no/such/shakedown.toml: cannot be read: "), "{errors}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let _ = Config::parse(&text, Path::new("shakedown.toml"), None);
    }

    #[test]
    fn a_right_file_with_a_line_lost_or_garbled_never_panics(at in 0usize..60, garble in "[a-z\\[\\]=\"{}$ ]{0,12}") {
        let lines: Vec<&str> = SMALL.lines().collect();
        let mut text = lines.clone();
        let at = at % lines.len();
        text[at] = &garble;
        if let Err(errors) = Config::parse(&text.join("\n"), Path::new("shakedown.toml"), None) {
            prop_assert!(!errors.problems.is_empty());
            prop_assert!(errors.problems.iter().all(|problem| problem.line >= 1 && problem.column >= 1));
        }
    }
}
