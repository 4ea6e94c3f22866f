//! The result as a person reads it.

use std::fmt;

use super::model::{Coverage, Share};

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.providers.iter().flat_map(|provider| {
            let consumers = provider.consumers.iter().map(|consumer| consumer.consumer.chars().count() + 2);
            consumers.chain([provider.provider.chars().count()])
        });
        let width = names.max().unwrap_or(0).max("provider".len());
        writeln!(
            f,
            "{:width$}  {:>16}  {:>16}  {:>16}  {:>16}",
            "provider", "operations", "events", "statuses", "fields"
        )?;
        let share = |share: &Share| match share.total {
            0 => "-".to_owned(),
            _ => format!("{}/{} {:>3} %", share.covered, share.total, share.percent()),
        };
        for provider in &self.providers {
            let cells = [&provider.operations, &provider.events, &provider.statuses, &provider.fields].map(share);
            row(f, width, &provider.provider, &cells)?;
            for consumer in &provider.consumers {
                let cells = [share(&consumer.operations), share(&consumer.events)];
                row(f, width, &format!("  {}", consumer.consumer), &cells)?;
            }
        }
        row(f, width, "all", &[&self.operations, &self.events, &self.statuses, &self.fields].map(share))?;
        list(f, "Operations that no pact covers:", &self.operations)?;
        list(f, "Events that no pact covers:", &self.events)?;
        list(f, "Statuses of covered operations that no pact expects:", &self.statuses_of_covered())?;
        list(f, "Fields that no consumer reads:", &self.fields)?;
        if !self.problems.is_empty() {
            writeln!(f, "\nPacts and documents that do not fit each other:")?;
            for problem in &self.problems {
                writeln!(f, "  {problem}")?;
            }
        }
        Ok(())
    }
}

impl Coverage {
    /// Statuses of operations that nobody calls at all would be said twice.
    fn statuses_of_covered(&self) -> Share {
        let called = |status: &&String| {
            !self.operations.uncovered.iter().any(|name| {
                status.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(' ') && !rest[1..].contains(' '))
            })
        };
        Share { uncovered: self.statuses.uncovered.iter().filter(called).cloned().collect(), ..self.statuses.clone() }
    }
}

fn row(f: &mut fmt::Formatter<'_>, width: usize, name: &str, cells: &[String]) -> fmt::Result {
    write!(f, "{name:width$}")?;
    for cell in cells {
        write!(f, "  {cell:>16}")?;
    }
    writeln!(f)
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, share: &Share) -> fmt::Result {
    if share.uncovered.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    share.uncovered.iter().try_for_each(|name| writeln!(f, "  {name}"))
}
