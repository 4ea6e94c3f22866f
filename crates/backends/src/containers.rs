//! The real servers in containers, shared by all test binaries of this checkout.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use testcontainers::core::{IntoContainerPort as _, Mount, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt as _, ReuseDirective};

use crate::servers::Servers;
use crate::variables;

/// Label of the containers; its value, the checkout, tells them from those of others on the same engine. `cargo xtask test`
/// removes by it.
const LABEL: &str = "org.shakedown.tests";

/// How long the engine may take to create and start a container, the image's download included.
const START: Duration = Duration::from_secs(300);

/// PostgreSQL without what makes it survive a loss of power, for connections of many tests at once.
const POSTGRES: &[&str] = &[
    "postgres",
    "-c",
    "fsync=off",
    "-c",
    "synchronous_commit=off",
    "-c",
    "full_page_writes=off",
    "-c",
    "max_wal_size=128MB",
    "-c",
    "max_connections=500",
];

/// Where PostgreSQL keeps its data: in memory, as each test has a database made and removed.
const POSTGRES_DATA: &str = "/postgres";

/// Starts both servers, or finds those of an earlier test binary.
pub(crate) async fn start() -> anyhow::Result<Servers> {
    // Test binaries may run at the same time, and only one may create what all of them use.
    let lock = File::create(std::env::temp_dir().join("shakedown-tests.lock")).context("lock file")?;
    lock.lock().context("lock file")?;

    let postgres = request(variables::IMAGE_POSTGRES, &[5432])?
        .with_cmd(POSTGRES.iter().copied())
        .with_mount(Mount::tmpfs_mount(POSTGRES_DATA))
        .with_env_var("PGDATA", format!("{POSTGRES_DATA}/data"))
        .with_env_var("POSTGRES_HOST_AUTH_METHOD", "trust");
    let postgres = run(postgres).await?;
    let rabbitmq = run(request(variables::IMAGE_RABBITMQ, &[5672, 15672])?).await?;

    let host = postgres.get_host().await?;
    Ok(Servers {
        postgres_url: format!("postgres://postgres@{host}:{}/postgres", postgres.get_host_port_ipv4(5432).await?),
        amqp_url: format!("amqp://guest:guest@{host}:{}", rabbitmq.get_host_port_ipv4(5672).await?),
        rabbitmq_api_url: format!("http://guest:guest@{host}:{}", rabbitmq.get_host_port_ipv4(15672).await?),
        place: format!("containers {} and {}", shown(&postgres), shown(&rabbitmq)),
    })
}

/// A container of the image that `variable` names.
fn request(variable: &str, ports: &[u16]) -> anyhow::Result<ContainerRequest<GenericImage>> {
    let image = variables::get(variable)
        .with_context(|| format!("`{variable}` is not set: expected an image; `.cargo/config.toml` has a default"))?;
    let (repository, tag) = repository_and_tag(&image);
    // Readiness is asked of the servers themselves, see `servers`.
    let mut generic = GenericImage::new(repository, tag).with_wait_for(WaitFor::Nothing);
    for port in ports {
        generic = generic.with_exposed_port(port.tcp());
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("/"));
    Ok(generic
        .with_label(LABEL, checkout.display().to_string())
        .with_label(format!("{LABEL}.image"), &image)
        .with_reuse(ReuseDirective::Always)
        .with_startup_timeout(START))
}

/// A colon before the last slash belongs to a registry's port.
fn repository_and_tag(image: &str) -> (&str, &str) {
    image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((image, "latest"))
}

async fn run(request: ContainerRequest<GenericImage>) -> anyhow::Result<ContainerAsync<GenericImage>> {
    request.start().await.context("a container of the tests did not start; does a Docker engine run?")
}

fn shown(container: &ContainerAsync<GenericImage>) -> String {
    let id: String = container.id().chars().take(12).collect();
    format!("{id} ({})", testcontainers::Image::name(container.image()))
}

#[cfg(test)]
mod tests {
    use super::repository_and_tag;

    #[test]
    fn port_of_a_registry_is_no_tag() {
        assert_eq!(repository_and_tag("postgres:17"), ("postgres", "17"));
        assert_eq!(repository_and_tag("host:5000/postgres"), ("host:5000/postgres", "latest"));
        assert_eq!(repository_and_tag("host:5000/postgres:17"), ("host:5000/postgres", "17"));
    }
}
