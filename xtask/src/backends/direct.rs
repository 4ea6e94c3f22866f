//! Debian's servers, started beside the tests where no container can run.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, Result};

use crate::backends::{apt, is_root};
use crate::shell::{command, run, say};

/// Where Debian puts what the tests start.
const RABBITMQ: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const POSTGRES: &str = "/usr/lib/postgresql";

/// Both servers on free ports; they end, and their data goes, when this is dropped.
pub(crate) struct Servers {
    children: Vec<Child>,
    epmd_port: u16,
    directory: PathBuf,
    urls: [String; 3],
}

impl Servers {
    /// Installs what is missing and starts both; whether they are ready is asked by the tests.
    pub(crate) fn start() -> Result<Self> {
        install()?;
        let directory = std::env::temp_dir().join(format!("shakedown-servers-{}", std::process::id()));
        fs::create_dir_all(&directory)?;
        // Servers may run under accounts of their own.
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755))?;
        let [postgres, amqp, api, distribution, epmd_port] = free_ports()?;
        let mut servers = Self {
            children: Vec::new(),
            epmd_port,
            directory,
            urls: [
                format!("postgres://postgres@127.0.0.1:{postgres}/postgres"),
                format!("amqp://guest:guest@127.0.0.1:{amqp}"),
                format!("http://guest:guest@127.0.0.1:{api}"),
            ],
        };
        servers.start_postgres(postgres)?;
        servers.start_rabbitmq(amqp, api, distribution)?;
        say(&format!("started Debian's PostgreSQL and RabbitMQ in {}", servers.directory.display()));
        Ok(servers)
    }

    /// URLs of PostgreSQL, of RabbitMQ, and of its management API.
    pub(crate) fn urls(&self) -> [String; 3] {
        self.urls.clone()
    }

    fn start_postgres(&mut self, port: u16) -> Result<()> {
        let programs = newest(Path::new(POSTGRES))?.join("bin");
        let data = self.directory.join("postgres");
        fs::create_dir(&data)?;
        let mut prefix = Vec::new();
        if is_root() {
            // PostgreSQL refuses to run as root.
            run("chown", &["postgres:", path(&data)?])?;
            prefix = vec!["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"];
        }
        let program = |name: &str| -> Result<Vec<String>> {
            let program = path(&programs.join(name))?.to_owned();
            Ok(prefix.iter().map(|part| (*part).to_owned()).chain([program]).collect())
        };
        let mut initdb = program("initdb")?;
        let options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D"];
        initdb.extend(options.map(str::to_owned));
        initdb.push(path(&data)?.to_owned());
        let initdb: Vec<&str> = initdb.iter().map(String::as_str).collect();
        run(initdb[0], &initdb[1..])?;

        let postgres = program("postgres")?;
        let settings = [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", path(&data)?),
            "max_connections=500".to_owned(),
            "fsync=off".to_owned(),
            "full_page_writes=off".to_owned(),
        ];
        let mut arguments: Vec<String> = postgres[1..].to_vec();
        arguments.extend(["-D".to_owned(), path(&data)?.to_owned()]);
        arguments.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
        self.spawn(&postgres[0], &arguments, &[], "postgres.log")
    }

    fn start_rabbitmq(&mut self, amqp: u16, api: u16, distribution: u16) -> Result<()> {
        let directory = self.directory.join("rabbitmq");
        fs::create_dir(&directory)?;
        let place = path(&directory)?.to_owned();
        let configuration = format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {api}\nlog.console = true\n"
        );
        fs::write(directory.join("rabbitmq.conf"), configuration)?;
        fs::write(directory.join("enabled_plugins"), "[rabbitmq_management].\n")?;
        let variables = [
            ("HOME", place.clone()),
            ("ERL_EPMD_PORT", self.epmd_port.to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODENAME", format!("shakedown{amqp}@localhost")),
            ("RABBITMQ_DIST_PORT", distribution.to_string()),
            ("RABBITMQ_CONFIG_FILE", format!("{place}/rabbitmq.conf")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", format!("{place}/enabled_plugins")),
            ("RABBITMQ_MNESIA_BASE", format!("{place}/data")),
            ("RABBITMQ_LOG_BASE", format!("{place}/log")),
            ("RABBITMQ_PID_FILE", format!("{place}/pid")),
        ];
        self.spawn(RABBITMQ, &[], &variables, "rabbitmq.log")
    }

    fn spawn(&mut self, program: &str, arguments: &[String], variables: &[(&str, String)], log: &str) -> Result<()> {
        let log = File::create(self.directory.join(log))?;
        let child = command(program)
            .args(arguments)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("`{program}` could not be started"))?;
        self.children.push(child);
        Ok(())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for child in &mut self.children {
            // The whole group: RabbitMQ's script starts a virtual machine and its helpers.
            _ = command("kill").args(["-TERM", "--", &format!("-{}", child.id())]).status();
            _ = child.wait();
        }
        // Erlang's name server stays behind by design; this one is on a port of its own.
        _ = command("epmd")
            .arg("-kill")
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        _ = fs::remove_dir_all(&self.directory);
    }
}

fn install() -> Result<()> {
    let mut missing = Vec::new();
    if newest(Path::new(POSTGRES)).is_err() {
        missing.push("postgresql");
    }
    if !Path::new(RABBITMQ).exists() {
        missing.push("rabbitmq-server");
    }
    if missing.is_empty() { Ok(()) } else { apt::install(&missing) }
}

/// The directory of the highest version below `base`.
fn newest(base: &Path) -> Result<PathBuf> {
    let versions = fs::read_dir(base).with_context(|| format!("`{}`", base.display()))?;
    let versions = versions.filter_map(|entry| {
        let path = entry.ok()?.path();
        let version: u32 = path.file_name()?.to_str()?.parse().ok()?;
        path.join("bin/initdb").exists().then_some((version, path))
    });
    let newest = versions.max().with_context(|| format!("no PostgreSQL server in `{}`", base.display()))?;
    Ok(newest.1)
}

/// Ports that nobody listens on, all different.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("`{}` is not UTF-8", path.display()))
}
