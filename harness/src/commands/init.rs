//! `shakedown init`: a configuration to start from.

use std::io::Write;

use crate::cli::InitArgs;
use crate::error::Error;
use crate::exit_code::Exit;
use crate::report::print;

const TEMPLATE: &str = r#"# What shakedown knows about this system.

[system]
name = "@NAME@"
entry = "web"                       # the service that clients talk to
# build = { command = ["make"], dir = "." }

[services.web]
command = ["./web"]
ready = { http = "/health/ready", within = "10s" }
# ${port}: a free port. ${data}: a directory of its own. ${link:NAME}: address of a peer, through a fault proxy.
env = { LISTEN_ADDR = "127.0.0.1:${port}" }

# [broker]                          # an AMQP broker, reached as ${link:broker}
# kind = "embedded"

# [mail]                            # an SMTP sink, reached as ${link:smtp}

# [contracts]
# pacts = "pacts"
# [contracts.providers.web]
# service = "web"

# [journeys]
# dir = "journeys"

# [load]
# journey = "visit"
# rate = "20/s"
# duration = "30s"
# thresholds = ["visit.p99 < 500ms", "visit.ok >= 99%"]

# [chaos]
# dir = "scenarios"
"#;

pub(super) fn run(args: &InitArgs) -> Result<Exit, Error> {
    let text = TEMPLATE.replace("@NAME@", &args.name.replace(['"', '\\', '\n'], "-"));
    let created = std::fs::File::options().write(true).create_new(true).open(&args.file);
    created
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|e| Error::failed(format!("cannot write `{}`", args.file.display()), e))?;
    print::progress(&format!(
        "wrote {}; describe your services in it, then: shakedown --config {} doctor",
        args.file.display(),
        args.file.display()
    ));
    Ok(Exit::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_is_a_sound_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("shakedown.toml");
        let args = InitArgs { name: "shop".into(), file: file.clone() };
        assert_eq!(run(&args).unwrap(), Exit::Passed);
        assert_eq!(crate::config::Config::load(&file, None).unwrap().system.name, "shop");
    }

    #[test]
    fn existing_file_is_left_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let args = InitArgs { name: "shop".into(), file: file.path().to_owned() };
        assert!(run(&args).is_err());
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), "");
    }
}
