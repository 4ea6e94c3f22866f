//! The action that other repositories use: its script, with a program in the place of `shakedown` that keeps what it is asked.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A repository with a committed pact, and a stand-in for `shakedown`.
struct Repository(PathBuf);

impl Repository {
    /// `stand_in` is the body of a script that has been asked for `$*`.
    fn new(stand_in: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("action-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let repository = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(repository.0.join("pacts")).unwrap();
        fs::write(repository.0.join("pacts/a.json"), "{}").unwrap();
        let program = repository.0.join("shakedown");
        fs::write(&program, format!("#!/bin/sh\necho \"$*\" >>asked\n{stand_in}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let commit = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "pacts"];
        for arguments in [&["init", "--quiet"][..], &["add", "pacts"], &commit] {
            assert!(Command::new("git").args(arguments).current_dir(&repository.0).status().unwrap().success());
        }
        repository
    }

    /// Exit code of the action, what `shakedown` was asked, and what was said.
    fn run(&self, inputs: &[(&str, &str)]) -> (i32, Vec<String>, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/actions/shakedown-contracts/contracts.sh");
        let output = Command::new("bash")
            .arg(script)
            .current_dir(&self.0)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("RUNNER_TEMP", &self.0)
            .env("SHAKEDOWN", self.0.join("shakedown"))
            .envs([("SHAKEDOWN_CONFIG", "shakedown.toml"), ("VERSION", "1"), ("BRANCH", "main"), ("PACTS", "pacts")])
            .envs([("BUILD_URL", "https://ci.example/1")])
            .envs(inputs.iter().copied())
            .output()
            .unwrap();
        let asked = fs::read_to_string(self.0.join("asked")).unwrap_or_default();
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        (output.status.code().unwrap(), asked.lines().map(str::to_owned).collect(), said)
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Verifies something, and says yes to everything.
const WELL: &str = r#"echo '"verified": 3'"#;
const BROKER: (&str, &str) = ("PACT_BROKER_BASE_URL", "sqlite://b.db");
const ENVIRONMENT: (&str, &str) = ("ENVIRONMENT", "production");
const BOTH: (&str, &str) = ("PACTICIPANTS", "web\nshop");

#[test]
fn without_a_broker_contracts_are_recorded_and_verified() {
    let (code, asked, said) = Repository::new(WELL).run(&[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(asked, ["contract record", "--format json contract verify"]);
}

#[test]
fn everything_is_published_asked_and_recorded_in_this_order() {
    let (code, asked, said) = Repository::new(WELL).run(&[BROKER, ENVIRONMENT, BOTH, ("DEPLOYED", "true")]);
    assert_eq!(code, 0, "{said}");
    let of = "1 --branch main --build-url https://ci.example/1";
    assert_eq!(
        asked,
        [
            "contract record".to_owned(),
            format!("contract publish pacts --version {of}"),
            format!("--format json contract verify --publish --provider-version {of}"),
            "contract can-i-deploy --pacticipant web --version 1 --to production".to_owned(),
            "contract can-i-deploy --pacticipant shop --version 1 --to production".to_owned(),
            "contract record-deployment --pacticipant web --version 1 --to production --create-environment".to_owned(),
            "contract record-deployment --pacticipant shop --version 1 --to production --create-environment".to_owned(),
        ]
    );
}

#[test]
fn pacts_are_taken_from_the_broker_by_a_selector() {
    let selector = r#"{"branch": "it's"}"#;
    let (code, asked, said) = Repository::new(WELL).run(&[BROKER, ("FROM_BROKER", selector)]);
    assert_eq!(code, 0, "{said}");
    let verify = asked.iter().find(|each| each.contains("contract verify")).expect("a verification");
    assert!(verify.ends_with(&format!("--from-broker {selector}")), "{verify}");
}

#[test]
fn one_no_is_a_no_after_everybody_was_asked() {
    let no = format!("{WELL}\ncase \"$*\" in *can-i-deploy*web*) exit 1 ;; esac");
    let (code, asked, _) = Repository::new(&no).run(&[BROKER, ENVIRONMENT, BOTH, ("DEPLOYED", "true")]);
    assert_eq!(code, 1);
    assert!(asked.last().unwrap().contains("can-i-deploy --pacticipant shop"), "{asked:?}");
}

#[test]
fn whatever_fails_ends_it_with_its_code_and_nothing_is_deployed() {
    for (broken, expected) in [("contract record", 3), ("contract publish", 4), ("contract verify", 1)] {
        let broken = format!("{WELL}\ncase \"$*\" in *\"{broken}\"*) exit {expected} ;; esac");
        let (code, asked, said) = Repository::new(&broken).run(&[BROKER, ENVIRONMENT, BOTH, ("DEPLOYED", "true")]);
        assert_eq!(code, expected, "{said}");
        assert!(!asked.iter().any(|each| each.contains("deploy")), "{asked:?}");
    }
}

#[test]
fn verification_of_nothing_and_stale_pacts_fail() {
    let (code, _, said) = Repository::new(r#"echo '"verified": 0'"#).run(&[]);
    assert_eq!((code, said.contains("nothing was verified")), (2, true), "{said}");
    for change in ["echo '{ }' >pacts/a.json", "echo '{}' >pacts/b.json", "rm pacts/a.json"] {
        let stale = format!("case \"$*\" in *record*) {change} ;; *) {WELL} ;; esac");
        let (code, asked, said) = Repository::new(&stale).run(&[]);
        assert_eq!((code, asked.len()), (2, 1), "{change}: {said}");
        assert!(said.contains("are not those that were recorded"), "{said}");
        let (code, ..) = Repository::new(&stale).run(&[("RECORD", "false")]);
        assert_eq!(code, 0);
    }
}

#[test]
fn questions_that_nobody_could_answer_are_refused_before_anything_is_done() {
    for inputs in [&[ENVIRONMENT, BOTH][..], &[ENVIRONMENT, BROKER], &[("VERSION", "")], &[("BRANCH", "")]] {
        let (code, asked, said) = Repository::new(WELL).run(inputs);
        assert_eq!((code, asked.len()), (2, 0), "{inputs:?}: {said}");
        assert!(said.contains("error: "), "{said}");
    }
}
