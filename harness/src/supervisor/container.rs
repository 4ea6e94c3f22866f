//! A container of the Docker engine, made once, started and ended as often as a scenario likes, and removed.
//!
//! It is driven through the engine's own command line: whoever has an engine has that, it knows where the engine is
//! (contexts, sockets, remote hosts), and podman's is the same. The container's life is that of the process
//! `docker start --attach`, so that readiness, output and unasked ends are those of any other service.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::OnceCell;

/// The engine's command line.
pub(super) const ENGINE: &str = "docker";
/// Label with the run's id, by which the watchdog finds what a dead harness left behind.
pub(super) const RUN_LABEL: &str = "org.shakedown.run";
/// Label with a file that the harness holds locked for as long as it lives, by which the next run finds it.
const LOCK_LABEL: &str = "org.shakedown.lock";
/// Time to create a container, the download of its image included.
const CREATE: Duration = Duration::from_secs(300);
/// Time for every other command.
const ANSWER: Duration = Duration::from_secs(60);
/// Between two looks whether containers are gone that somebody else removes.
const POLL: Duration = Duration::from_millis(100);
/// Pause between two looks at a command that is waited for without a runtime.
const PAUSE: Duration = Duration::from_millis(20);

/// What a container is made of.
#[derive(Debug)]
pub(super) struct Recipe<'r> {
    /// Its name, which nothing else on the engine has.
    pub(super) name: String,
    pub(super) image: &'r str,
    pub(super) args: &'r [String],
    pub(super) env: BTreeMap<String, String>,
    /// Ports on the loopback interface, and inside.
    pub(super) ports: Vec<(u16, u16)>,
    /// In bytes.
    pub(super) memory: Option<u64>,
    pub(super) run_id: &'r str,
    /// See [`LOCK_LABEL`].
    pub(super) lock: &'r Path,
}

/// A container that may not be made yet.
#[derive(Debug)]
pub(super) struct Container {
    name: String,
    create: Vec<String>,
    /// Its variables, a line each. Among them are passwords, and command lines are for everyone on the machine to read.
    env: String,
    created: OnceCell<()>,
}

impl Container {
    pub(super) fn new(recipe: Recipe<'_>) -> Self {
        let mut create: Vec<String> = ["create", "--name", &recipe.name].map(str::to_owned).into();
        let mut option = |name: &str, value: String| create.extend([name.to_owned(), value]);
        option("--label", format!("{RUN_LABEL}={}", recipe.run_id));
        option("--label", format!("{LOCK_LABEL}={}", recipe.lock.display()));
        for (outside, inside) in recipe.ports {
            option("--publish", format!("127.0.0.1:{outside}:{inside}"));
        }
        option("--env-file", "/dev/stdin".to_owned());
        if let Some(bytes) = recipe.memory {
            option("--memory", bytes.to_string());
        }
        create.push(recipe.image.to_owned());
        create.extend_from_slice(recipe.args);
        let env = recipe.env.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        Self { name: recipe.name, create, env, created: OnceCell::new() }
    }

    /// The command whose process lives as long as the container runs.
    pub(super) fn attached(name: &str) -> Vec<String> {
        [ENGINE, "start", "--attach", name].map(str::to_owned).into()
    }

    /// Makes it, unless it is there already.
    pub(super) async fn create(&self) -> Result<(), String> {
        let create = || async { run_with(&self.create, &self.env, CREATE).await.map(drop) };
        self.created.get_or_try_init(create).await.map(drop)
    }

    /// Sends a signal to its first process.
    pub(super) async fn signal(&self, signal: Signal) -> Result<(), String> {
        run(&["kill", "--signal", signal.as_str(), &self.name], ANSWER).await.map(drop)
    }

    /// Freezes all of its processes.
    pub(super) async fn pause(&self) -> Result<(), String> {
        run(&["pause", &self.name], ANSWER).await.map(drop)
    }

    /// Lets them run on.
    pub(super) async fn unpause(&self) -> Result<(), String> {
        run(&["unpause", &self.name], ANSWER).await.map(drop)
    }

    /// Ends it and removes it with its data.
    pub(super) async fn remove(&self) -> Result<(), String> {
        if !self.created.initialized() {
            return Ok(());
        }
        run(&["rm", "--force", "--volumes", &self.name], ANSWER).await.map(drop)
    }

    /// The same without a runtime, as a last resort.
    pub(super) fn remove_now(&self) {
        if self.created.initialized() {
            // Whatever is left carries the label that the next run looks for.
            let _ = run_now(&["rm", "--force", "--volumes", &self.name], ANSWER);
        }
    }
}

/// Removes the containers of harnesses that are dead, whoever should have done it. Returns how many.
pub(super) async fn sweep() -> Result<usize, String> {
    let found = orphans().await?;
    if found.is_empty() {
        return Ok(0);
    }
    let mut removal = vec!["rm", "--force", "--volumes"];
    removal.extend(found.iter().map(String::as_str));
    let Err(why) = run(&removal, ANSWER).await else { return Ok(found.len()) };
    // Another harness that starts may be sweeping too: what matters is that they go.
    let deadline = Instant::now() + ANSWER;
    while orphans().await?.iter().any(|id| found.contains(id)) {
        if Instant::now() >= deadline {
            return Err(why);
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(found.len())
}

async fn orphans() -> Result<Vec<String>, String> {
    let (filter, format) = (format!("label={LOCK_LABEL}"), format!("{{{{.ID}}}} {{{{.Label \"{LOCK_LABEL}\"}}}}"));
    let listed = run(&["ps", "--all", "--filter", &filter, "--format", &format], ANSWER).await?;
    let containers = listed.lines().filter_map(|line| line.split_once(' '));
    Ok(containers.filter(|(_, lock)| is_orphaned(Path::new(lock))).map(|(id, _)| id.to_owned()).collect())
}

/// Whether nobody holds the lock. A file that is not there says nothing: it may be on another machine of the same engine.
fn is_orphaned(lock: &Path) -> bool {
    std::fs::File::open(lock).is_ok_and(|file| file.try_lock().is_ok())
}

/// Removes every container of a run, without a runtime: what the watchdog does. Returns how many.
pub(super) fn remove_run(run_id: &str, deadline: Instant) -> usize {
    let filter = format!("label={RUN_LABEL}={run_id}");
    let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
    let listed = run_now(&["ps", "--all", "--quiet", "--filter", &filter], left(deadline)).unwrap_or_default();
    let ids: Vec<&str> = listed.split_whitespace().collect();
    if ids.is_empty() || run_now(&[&["rm", "--force", "--volumes"], &ids[..]].concat(), left(deadline)).is_err() {
        return 0;
    }
    ids.len()
}

/// Why no container can be run here, if so.
pub(crate) async fn obstacle() -> Option<String> {
    run(&["version", "--format", "{{.Server.Version}}"], ANSWER).await.err()
}

/// What a command of the engine prints, or why it failed.
async fn run(arguments: &[impl AsRef<OsStr>], within: Duration) -> Result<String, String> {
    run_with(arguments, "", within).await
}

/// The same for a command that reads `input`.
async fn run_with(arguments: &[impl AsRef<OsStr>], input: &str, within: Duration) -> Result<String, String> {
    let mut command = tokio::process::Command::new(ENGINE);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // A Ctrl-C in the terminal must not break off the clean-up that it leads to.
    command.process_group(0);
    let ended = async {
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // Whoever ends without reading it says in its answer why.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let output = match tokio::time::timeout(within, ended).await {
        Ok(output) => output.map_err(|error| unavailable(&error))?,
        Err(_) => return Err(format!("`{}` did not end within {} s", shown(arguments), within.as_secs())),
    };
    answer(arguments, &output)
}

fn run_now(arguments: &[&str], within: Duration) -> Result<String, String> {
    let deadline = Instant::now() + within;
    let mut command = std::process::Command::new(ENGINE);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| unavailable(&error))?;
    // It prints identifiers only, far less than what a pipe holds.
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() >= deadline {
            let _ = child.kill();
            break;
        }
        std::thread::sleep(PAUSE);
    }
    let output = child.wait_with_output().map_err(|error| unavailable(&error))?;
    answer(arguments, &output)
}

fn answer(arguments: &[impl AsRef<OsStr>], output: &std::process::Output) -> Result<String, String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said: String = String::from_utf8_lossy(&output.stderr).trim().chars().take(500).collect();
    Err(format!("`{}` failed ({}): {said}", shown(arguments), output.status))
}

fn unavailable(error: &std::io::Error) -> String {
    format!("`{ENGINE}` cannot be started: {error}")
}

/// The command for messages, without the options, among which are passwords.
fn shown(arguments: &[impl AsRef<OsStr>]) -> String {
    let verb = arguments.first().map(|verb| verb.as_ref().to_string_lossy().into_owned()).unwrap_or_default();
    format!("{ENGINE} {verb}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_orphans_when_nobody_holds_their_lock() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().lock().expect("locked");
        assert!(!is_orphaned(file.path()));
        file.as_file().unlock().expect("unlocked");
        assert!(is_orphaned(file.path()));
        assert!(!is_orphaned(Path::new("/no/such/lock")), "what is not there is not ours to judge");
    }

    #[test]
    fn recipe_becomes_a_command_that_binds_the_loopback_interface_only() {
        let (args, lock) = (["postgres".to_owned()], Path::new("/l"));
        let env = BTreeMap::from([("A".to_owned(), "b".to_owned())]);
        let recipe = Recipe {
            name: "n".to_owned(),
            image: "postgres:17",
            args: &args,
            env,
            ports: vec![(15_001, 5432)],
            memory: Some(1 << 29),
            run_id: "r",
            lock,
        };
        let container = Container::new(recipe);
        let expected = "create --name n --label org.shakedown.run=r --label org.shakedown.lock=/l \
            --publish 127.0.0.1:15001:5432 --env-file /dev/stdin --memory 536870912 postgres:17 postgres";
        assert_eq!(container.create.join(" "), expected);
        assert_eq!(container.env, "A=b\n", "not in the command, which everyone on the machine may read");
    }
}
