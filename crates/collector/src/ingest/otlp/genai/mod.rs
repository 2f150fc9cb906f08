//! What telemetry of generative AI says, under whatever names: brought to the names of docs/events.md by one table ([`aliases`]).
//!
//! # Invariants
//!
//! - Canonical names are added beside what was sent, which stays as it is.
//! - **Usage is counted once, on the span that called the model.** Views count the tokens and the cost of model calls alone, and what is a
//!   model call is said by the span itself ([`operation`]): so the sum that an agent or a chain repeats of what is within it is never
//!   counted, in whatever order the spans arrive. It stays under the name that it was sent with.
//! - Prompts and answers are brought into one form as well ([`messages`]), where the event has room for both.
//! - A cost that nobody said is estimated from a table of prices ([`Prices`]), and says that it is.

mod aliases;
mod hasher;
mod makers;
mod messages;
mod operation;
mod prices;

pub(super) use messages::write_event;
pub(super) use operation::of_event;
pub(crate) use prices::Prices;
pub use prices::PricesError;

use super::model::{Any, KeyValue, SpanEvent};
use crate::ingest::Object;
use aliases::{Alias, How, SLOTS, Slot};
use messages::Messages;

/// What is known of a call, by canonical name.
#[derive(Debug, Default)]
pub(super) struct Facts<'a> {
    /// What was done: `chat`, `execute_tool`, ..
    pub(super) operation: Option<&'a str>,
    slots: [Option<Known<'a>>; SLOTS],
    messages: Messages<'a>,
}

/// What is known under one name: of several aliases the one that is named first in the table counts.
#[derive(Debug, Clone, Copy)]
struct Known<'a> {
    rank: usize,
    value: Value<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Value<'a> {
    Text(&'a str),
    /// A text that is to be in a list.
    Listed(&'a str),
    Count(u64),
    Number(f64),
    /// As it was sent.
    Any(&'a Any<'a>),
}

/// What attributes are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Of<'a> {
    /// The span's name, or the event's.
    pub(super) name: &'a str,
    pub(super) is_client: bool,
}

impl<'a> Facts<'a> {
    /// Reads attributes.
    pub(super) fn read(of: Of<'_>, attributes: &'a [KeyValue<'a>]) -> Self {
        let is_bare = operation::has_bare_names(of.name);
        let mut facts = Self::default();
        let mut kind = None;
        for attribute in attributes {
            if !aliases::may_be_one(&attribute.key) {
                if is_bare && let Some(alias) = aliases::bare(&attribute.key) {
                    facts.take(alias, &attribute.value);
                }
                continue;
            }
            let is_message = facts.messages.take(attribute);
            if let Some(alias) = aliases::find(&attribute.key) {
                facts.take(alias, &attribute.value);
            } else if is_message {
                continue;
            } else if let Some(found) = operation::Kind::of(&attribute.key, &attribute.value) {
                kind = operation::Kind::stronger(kind, found);
            } else if is_bare && let Some(alias) = aliases::bare(&attribute.key) {
                facts.take(alias, &attribute.value);
            }
        }
        facts.operation = operation::operation(of, kind, &facts, attributes);
        if is_bare {
            facts.add_cached();
        }
        facts
    }

    /// Reads what a span's events say of its messages.
    pub(super) fn read_events(&mut self, events: &[SpanEvent<'_>]) {
        if self.has_messages() {
            self.messages.take_events(events);
        }
    }

    /// Returns whether it is of what has messages: a call of a model, or of an agent.
    fn has_messages(&self) -> bool {
        self.is_model_call() || self.operation == Some("invoke_agent")
    }

    fn take(&mut self, alias: &Alias, value: &'a Any<'a>) {
        if alias.how == How::Details {
            self.take_details(alias, value);
            return;
        }
        let Some(value) = alias.how.read(value) else { return };
        self.put(alias.slot, alias.rank, value);
    }

    fn put(&mut self, slot: Slot, rank: usize, value: Value<'a>) {
        let place = &mut self.slots[slot as usize];
        if place.is_none_or(|known| rank < known.rank) {
            *place = Some(Known { rank, value });
        }
    }

    /// Langfuse says usage and cost as a text of JSON.
    fn take_details(&mut self, alias: &Alias, value: &Any<'_>) {
        let Some(text) = value.text() else { return };
        let Ok(details) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) else { return };
        let number = |name: &str| details.get(name).and_then(serde_json::Value::as_f64).filter(|number| *number >= 0.0);
        if alias.slot == Slot::Cost {
            let parts = || Some(number("input")? + number("output").unwrap_or(0.0));
            if let Some(cost) = number("total").or_else(parts) {
                self.put(Slot::Cost, alias.rank, Value::Number(cost));
            }
            return;
        }
        for (slot, names) in [
            (Slot::InputTokens, ["input", "input_tokens", "prompt_tokens"]),
            (Slot::OutputTokens, ["output", "output_tokens", "completion_tokens"]),
        ] {
            if let Some(count) = names.into_iter().find_map(number).and_then(aliases::count) {
                self.put(slot, alias.rank, Value::Count(count));
            }
        }
    }

    /// Agents of the command line count what came from the cache apart; by OpenTelemetry's convention it is part of what went in.
    fn add_cached(&mut self) {
        let cached = [Slot::CacheReadTokens, Slot::CacheCreationTokens].into_iter().filter_map(|slot| {
            let known = self.slots[slot as usize].filter(|known| aliases::is_apart(known.rank))?;
            if let Value::Count(count) = known.value { Some(count) } else { None }
        });
        let cached: u64 = cached.fold(0, u64::saturating_add);
        if let Some(Known { value: Value::Count(count), .. }) = &mut self.slots[Slot::InputTokens as usize] {
            *count = count.saturating_add(cached);
        }
    }

    fn has(&self, slot: Slot) -> bool {
        self.slots[slot as usize].is_some()
    }

    fn count(&self, slot: Slot) -> Option<u64> {
        match self.slots[slot as usize]?.value {
            Value::Count(count) => Some(count),
            _ => None,
        }
    }

    fn text(&self, slot: Slot) -> Option<&'a str> {
        match self.slots[slot as usize]?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns whether it is a call of a model, whose usage counts.
    pub(super) fn is_model_call(&self) -> bool {
        matches!(self.operation, Some("chat" | "generate_content" | "text_completion" | "embeddings"))
    }

    /// Adds what is known under canonical names, those that were sent excepted.
    pub(super) fn write(&self, data: &mut Object<'_>, prices: &Prices) {
        if let Some(operation) = self.operation
            && !data.has("gen_ai.operation.name")
        {
            data.text("gen_ai.operation.name", operation);
        }
        let counts = self.is_model_call();
        for (slot, known) in Slot::ALL.into_iter().zip(&self.slots) {
            let Some(known) = known.filter(|_| counts || !slot.is_usage()) else { continue };
            let name = slot.name();
            if data.has(name) {
                continue;
            }
            match known.value {
                Value::Text(text) => data.text(name, text),
                Value::Listed(text) => data.list(name, |list| list.text(text)),
                Value::Count(count) => data.uint(name, count),
                Value::Number(number) => data.float(name, number),
                Value::Any(any) => super::value::write(data, name, any),
            }
        }
        if self.has_messages() {
            self.messages.write(data);
        }
        if counts && !self.has(Slot::Provider) && !data.has(Slot::Provider.name()) {
            self.models().find_map(makers::maker).into_iter().for_each(|maker| data.text(Slot::Provider.name(), maker));
        }
        if counts && !self.has(Slot::Cost) {
            self.estimate(data, prices);
        }
    }

    /// The model that answered, then the one that was asked for.
    fn models(&self) -> impl Iterator<Item = &'a str> {
        [self.text(Slot::ResponseModel), self.text(Slot::RequestModel)].into_iter().flatten()
    }

    fn estimate(&self, data: &mut Object<'_>, prices: &Prices) {
        let Some(price) = self.models().find_map(|model| prices.of(model)) else { return };
        let count = |slot| self.count(slot);
        if !self.has(Slot::InputTokens) && !self.has(Slot::OutputTokens) {
            return;
        }
        let cost = price.cost(&prices::Usage {
            input: count(Slot::InputTokens).unwrap_or(0),
            cache_read: count(Slot::CacheReadTokens).unwrap_or(0),
            cache_creation: count(Slot::CacheCreationTokens).unwrap_or(0),
            output: count(Slot::OutputTokens).unwrap_or(0),
        });
        data.float(Slot::Cost.name(), cost);
        data.text("gen_ai.usage.cost_estimated_by", prices.version());
    }
}
