//! `cargo xtask images`: the images of the tests, from a registry or from Debian's packages.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::backends::{apt, engine, is_root};
use crate::shell::{command, output, root, run, run_with, say, succeeds};

/// An image that tests use.
struct Image {
    /// Variable with its name, see `.cargo/config.toml`.
    variable: &'static str,
    /// What an image that is built here starts with.
    entrypoint: &'static str,
    command: &'static str,
    ports: &'static [&'static str],
}

const IMAGES: [Image; 2] = [
    Image {
        variable: "SHAKEDOWN_IMAGE_POSTGRES",
        entrypoint: "/entrypoint-postgres",
        command: "postgres",
        ports: &["5432"],
    },
    Image {
        variable: "SHAKEDOWN_IMAGE_RABBITMQ",
        entrypoint: "/entrypoint-rabbitmq",
        command: "rabbitmq-server",
        ports: &["5672", "15672"],
    },
];

/// Packages of the servers; both images are made of one file system, so that it is built and stored once.
const PACKAGES: [&str; 2] = ["postgresql", "rabbitmq-server"];

/// What is written into the file system: path, contents, mode.
const FILES: [(&str, &str, u32); 6] = [
    ("entrypoint-postgres", include_str!("image/postgres.sh"), 0o755),
    ("entrypoint-rabbitmq", include_str!("image/rabbitmq.sh"), 0o755),
    ("etc/rabbitmq/rabbitmq.conf", include_str!("image/rabbitmq.conf"), 0o644),
    ("etc/rabbitmq/enabled_plugins", "[rabbitmq_management].\n", 0o644),
    // Nothing starts while packages are installed, nothing is flushed to disk, and nobody reads manuals in there.
    ("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755),
    (
        "etc/dpkg/dpkg.cfg.d/lean",
        "force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\npath-exclude=/usr/share/locale/*\n",
        0o644,
    ),
];

/// Makes sure that an engine runs and has both images.
pub(crate) fn run_task() -> Result<()> {
    engine::ensure()?;
    ensure()
}

/// Gets the images that the engine lacks: from their registry, or built here where none is reachable.
pub(crate) fn ensure() -> Result<()> {
    let mut missing = Vec::new();
    for image in &IMAGES {
        let name = image.name()?;
        if !succeeds("docker", &["image", "inspect", &name]) && !pulled(&name) {
            missing.push((image, name));
        }
    }
    if !missing.is_empty() {
        say("no registry gives the images: building them from Debian's packages");
        let started = Instant::now();
        build(&missing)?;
        say(&format!("images built in {:.0} s", started.elapsed().as_secs_f64()));
    }
    for image in &IMAGES {
        let name = image.name()?;
        if !engine::can_run(&name) {
            bail!("the Docker engine cannot run containers of `{name}`");
        }
    }
    Ok(())
}

impl Image {
    fn name(&self) -> Result<String> {
        let missing = || format!("`{}` is not set: run this as `cargo xtask`, or name an image", self.variable);
        std::env::var(self.variable).with_context(missing)
    }
}

fn pulled(name: &str) -> bool {
    say(&format!("$ docker pull {name}"));
    succeeds("timeout", &["600", "docker", "pull", "--quiet", name])
}

fn build(missing: &[(&Image, String)]) -> Result<()> {
    if !is_root() {
        bail!("building images takes root");
    }
    if !succeeds("debootstrap", &["--version"]) {
        apt::install(&["debootstrap"])?;
    }
    let work = Work::create()?;
    let system = work.0.join("root");
    bootstrap(&system)?;
    let imported = import(&system)?;
    missing.iter().try_for_each(|(image, name)| name_it(&imported, image, name))
}

/// A directory that goes when this is dropped.
struct Work(PathBuf);

impl Work {
    fn create() -> Result<Self> {
        // Beside the build's results: a temporary directory may forbid device files and programs.
        let path = root().join(format!("target/images-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            say(&format!("`{}` is left behind: {error}", self.0.display()));
        }
    }
}

/// A small Debian, of this machine's release, with both servers.
fn bootstrap(system: &Path) -> Result<()> {
    let path = system.to_str().context("the path of the repository is not UTF-8")?;
    run("debootstrap", &["--variant=minbase", &codename()?, path])?;
    for (name, contents, mode) in FILES {
        let file = system.join(name);
        fs::create_dir_all(file.parent().unwrap_or(system))?;
        fs::write(&file, contents)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
    }
    // Packages come the same way as this machine's own: its mirrors, its proxies.
    fs::copy("/etc/resolv.conf", system.join("etc/resolv.conf")).context("`/etc/resolv.conf`")?;
    fs::write(system.join("etc/apt/apt.conf.d/10host"), output("apt-config", &["dump", "Acquire"])?)?;
    for sources in ["/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources"] {
        if Path::new(sources).exists() {
            fs::copy(sources, system.join(sources.trim_start_matches('/')))?;
        }
    }
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    let chroot = |arguments: &[&str]| run_with("chroot", &[&[path][..], arguments].concat(), &quiet);
    chroot(&["apt-get", "update", "--quiet"])?;
    chroot(&[&["apt-get", "install", "--quiet", "--yes", "--no-install-recommends"][..], &PACKAGES].concat())?;
    chroot(&["apt-get", "clean"])
}

fn codename() -> Result<String> {
    let release = fs::read_to_string("/etc/os-release").context("`/etc/os-release`")?;
    let name = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    name.map(|name| name.trim_matches('"').to_owned()).context("`/etc/os-release` names no `VERSION_CODENAME`")
}

/// Hands the file system to the engine; returns the id of an image of it.
fn import(system: &Path) -> Result<String> {
    say(&format!("$ tar --create {} | docker import -", system.display()));
    let mut tar = command("tar")
        .arg("--directory")
        .arg(system)
        .args(["--exclude=./var/lib/apt/lists/*", "--create", "."])
        .stdout(Stdio::piped())
        .spawn()
        .context("`tar` could not be started")?;
    let archive = tar.stdout.take().context("`tar` without an output")?;
    let imported = command("docker").args(["import", "-"]).stdin(archive).stderr(Stdio::inherit()).output();
    let imported = imported.context("`docker` could not be started")?;
    let archived = tar.wait()?;
    if !imported.status.success() || !archived.success() {
        bail!("`docker import` ended with {}, `tar` with {archived}", imported.status);
    }
    Ok(String::from_utf8(imported.stdout)?.trim().to_owned())
}

/// Gives the imported file system a name and what it starts with; images share the file system.
fn name_it(imported: &str, image: &Image, name: &str) -> Result<()> {
    let mut changes = vec![
        format!("ENTRYPOINT [\"{}\"]", image.entrypoint),
        format!("CMD [\"{}\"]", image.command),
        "LABEL org.shakedown.built-from=debian".to_owned(),
    ];
    changes.extend(image.ports.iter().map(|port| format!("EXPOSE {port}")));
    let container = output("docker", &["create", imported, "true"])?;
    let container = container.trim();
    let changes = changes.iter().flat_map(|change| ["--change", change]);
    let commit: Vec<&str> = ["commit"].into_iter().chain(changes).chain([container, name]).collect();
    let committed = run("docker", &commit);
    run("docker", &["rm", container])?;
    committed
}
