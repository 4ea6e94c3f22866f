//! Exchanges come and go, and are bound to queues and to each other.

use crate::{
    error::{Code, Failure},
    exchange::{Destination, Exchange, Kind},
    record::Record,
    value::{FieldTable, ShortStr, Value},
    vhost::Vhost,
};

/// What `exchange.declare` asks for.
#[derive(Debug)]
pub(crate) struct ExchangeDeclaration {
    pub(crate) name: ShortStr,
    pub(crate) kind: ShortStr,
    pub(crate) passive: bool,
    pub(crate) durable: bool,
    pub(crate) auto_delete: bool,
    pub(crate) internal: bool,
    pub(crate) arguments: FieldTable,
}

/// One binding, as it is asked for or recorded.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) source: ShortStr,
    pub(crate) destination: Destination,
    pub(crate) key: ShortStr,
    pub(crate) arguments: FieldTable,
}

impl Vhost {
    pub(crate) fn no_exchange(&self, name: &str) -> Failure {
        Failure::new(Code::NotFound, format!("no exchange '{name}' in vhost '{}'", self.name))
    }

    pub(crate) fn declare_exchange(&mut self, wanted: ExchangeDeclaration) -> Result<(), Failure> {
        let existing = self.exchanges.get(&wanted.name);
        if wanted.passive {
            return existing.map(|_| ()).ok_or_else(|| self.no_exchange(&wanted.name));
        }
        let Some(kind) = Kind::of(&wanted.kind) else {
            let text = format!("unknown exchange type '{}'", wanted.kind);
            return Err(Failure::hard(Code::CommandInvalid, text));
        };
        if wanted.name.is_empty() {
            return Err(self.default_exchange());
        }
        if let Some(existing) = existing {
            return self.check_exchange(existing, kind, &wanted);
        }
        if wanted.name.starts_with("amq.") {
            let text = format!("exchange name '{}' contains reserved prefix 'amq.*'", wanted.name);
            return Err(Failure::new(Code::AccessRefused, text));
        }
        if self.exchanges.len() >= self.limits.queues {
            let text = format!("exchange limit in vhost '{}' ({}) is reached", self.name, self.limits.queues);
            return Err(Failure::new(Code::PreconditionFailed, text));
        }
        if wanted.durable {
            self.books.record(
                &Record::Exchange {
                    name: wanted.name.clone(),
                    kind,
                    auto_delete: wanted.auto_delete,
                    internal: wanted.internal,
                    arguments: wanted.arguments.clone(),
                },
                true,
            );
        }
        let exchange = Exchange::new(kind, wanted.durable, wanted.auto_delete, wanted.internal, wanted.arguments);
        self.exchanges.insert(wanted.name, exchange);
        Ok(())
    }

    fn check_exchange(&self, existing: &Exchange, kind: Kind, wanted: &ExchangeDeclaration) -> Result<(), Failure> {
        let differs = |name: &str, received: &str, current: &str| {
            let text = format!(
                "inequivalent arg '{name}' for exchange '{}' in vhost '{}': received '{received}' but current is '{current}'",
                wanted.name, self.name
            );
            Failure::new(Code::PreconditionFailed, text)
        };
        if kind != existing.kind {
            return Err(differs("type", kind.name(), existing.kind.name()));
        }
        for (name, received, current) in [
            ("durable", wanted.durable, existing.durable),
            ("auto_delete", wanted.auto_delete, existing.auto_delete),
            ("internal", wanted.internal, existing.internal),
        ] {
            if received != current {
                return Err(differs(name, &received.to_string(), &current.to_string()));
            }
        }
        let alternate =
            |table: &FieldTable| table.get("alternate-exchange").and_then(Value::as_text).map(str::to_owned);
        let (received, current) = (alternate(&wanted.arguments), alternate(&existing.arguments));
        if received != current {
            let or_none = |value: Option<String>| value.unwrap_or_else(|| "none".into());
            return Err(differs("alternate-exchange", &or_none(received), &or_none(current)));
        }
        Ok(())
    }

    pub(crate) fn delete_exchange(&mut self, name: &ShortStr, if_unused: bool) -> Result<(), Failure> {
        if name.is_empty() {
            return Err(self.default_exchange());
        }
        if name.starts_with("amq.") {
            let text = format!("exchange name '{name}' contains reserved prefix 'amq.*'");
            return Err(Failure::new(Code::AccessRefused, text));
        }
        let Some(exchange) = self.exchanges.get(name) else {
            return Ok(());
        };
        if if_unused && !exchange.bindings().is_empty() {
            let text = format!("exchange '{name}' in vhost '{}' in use", self.name);
            return Err(Failure::new(Code::PreconditionFailed, text));
        }
        self.remove_exchange(name);
        Ok(())
    }

    fn remove_exchange(&mut self, name: &ShortStr) {
        if let Some(exchange) = self.exchanges.remove(name) {
            self.bindings -= exchange.bindings().values().map(Vec::len).sum::<usize>();
            if exchange.durable {
                self.books.record(&Record::ExchangeGone { name: name.clone() }, false);
            }
            self.unbind_everywhere(&Destination::Exchange(name.clone()));
        }
    }

    pub(crate) fn default_exchange(&self) -> Failure {
        Failure::new(Code::AccessRefused, "operation not permitted on the default exchange")
    }

    pub(crate) fn bind(&mut self, binding: Binding) -> Result<(), Failure> {
        let to_default = matches!(&binding.destination, Destination::Exchange(name) if name.is_empty());
        if binding.source.is_empty() || to_default {
            return Err(self.default_exchange());
        }
        if let Destination::Exchange(name) = &binding.destination
            && !self.exchanges.contains_key(name)
        {
            return Err(self.no_exchange(name));
        }
        if self.bindings >= self.limits.bindings {
            let text = format!("binding limit in vhost '{}' ({}) is reached", self.name, self.limits.bindings);
            return Err(Failure::new(Code::PreconditionFailed, text));
        }
        let survives = self.survives(&binding);
        let Some(exchange) = self.exchanges.get_mut(&binding.source) else {
            return Err(self.no_exchange(&binding.source));
        };
        if exchange.bind(binding.destination.clone(), binding.key.clone(), binding.arguments.clone()) {
            self.bindings += 1;
            if survives {
                let Binding { source, destination, key, arguments } = binding;
                self.books.record(&Record::Bind { source, destination, key, arguments }, true);
            }
        }
        Ok(())
    }

    /// Removing a binding that is not there succeeds.
    pub(crate) fn unbind(&mut self, binding: Binding) -> Result<(), Failure> {
        if binding.source.is_empty() {
            return Err(self.default_exchange());
        }
        let survives = self.survives(&binding);
        let Some(exchange) = self.exchanges.get_mut(&binding.source) else {
            return Ok(());
        };
        if exchange.unbind(&binding.destination, &binding.key, &binding.arguments) {
            let unused = exchange.auto_delete && exchange.bindings().is_empty();
            self.bindings -= 1;
            let Binding { source, destination, key, arguments } = binding;
            if survives {
                self.books.record(&Record::Unbind { source: source.clone(), destination, key, arguments }, false);
            }
            if unused {
                self.remove_exchange(&source);
            }
        }
        Ok(())
    }

    /// Whether both ends of a binding come back after a restart.
    pub(crate) fn survives(&self, binding: &Binding) -> bool {
        let source = self.exchanges.get(&binding.source).is_some_and(|exchange| exchange.durable);
        source
            && match &binding.destination {
                Destination::Queue(name) => {
                    self.queue_names.get(name).and_then(|id| self.queues.get(id)).is_some_and(|queue| queue.survives())
                }
                Destination::Exchange(name) => self.exchanges.get(name).is_some_and(|exchange| exchange.durable),
            }
    }

    /// The destination is gone. Replaying the journal drops its bindings the same way, so none of them is recorded.
    pub(crate) fn unbind_everywhere(&mut self, destination: &Destination) {
        let mut unused = Vec::new();
        for (name, exchange) in &mut self.exchanges {
            let removed = exchange.unbind_all(destination);
            self.bindings -= removed;
            if removed > 0 && exchange.auto_delete && exchange.bindings().is_empty() {
                unused.push(name.clone());
            }
        }
        for name in unused {
            self.remove_exchange(&name);
        }
    }
}
