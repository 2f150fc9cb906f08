//! Reading the parameters of a URL.

use std::ops::RangeInclusive;

use lastword::{EventKind, Severity};

use super::{ExceptionOrder, ExceptionState, Moment, Order, ParamError, Width};
use crate::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, PARAM_BYTES_MAX};

/// Parameters by name, each known, given once and short enough. An empty one counts as not given.
pub(super) struct Params(Vec<(&'static str, String)>);

impl Params {
    /// Takes parameters, of which `known` are allowed. `cursor` is another name of `after`.
    pub(super) fn new<K, V>(known: &[&'static str], pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, ParamError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut taken: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            let meant = if name == "cursor" { "after" } else { name };
            let Some(name) = known.iter().copied().find(|known| *known == meant) else {
                return Err(ParamError::Unknown { name: name.chars().take(64).collect(), known: known.join(", ") });
            };
            if value.is_empty() {
                continue;
            }
            if value.len() > PARAM_BYTES_MAX {
                return Err(ParamError::value(name, value, format!("at most {PARAM_BYTES_MAX} bytes")));
            }
            if taken.iter().any(|(taken, _)| *taken == name) {
                return Err(ParamError::Twice { name });
            }
            taken.push((name, value.to_owned()));
        }
        let params = Self(taken);
        params.check_order()?;
        Ok(params)
    }

    /// Refuses a range of time that ends before it begins: nothing is in it. What is no moment is told where it is read.
    fn check_order(&self) -> Result<(), ParamError> {
        let given = |name: &str| self.0.iter().find(|(taken, _)| *taken == name).map(|(_, value)| value.as_str());
        let Some((since, until)) = given("since").zip(given("until")) else { return Ok(()) };
        match (moment(since), moment(until)) {
            (Some(begin), Some(end)) if end < begin => {
                let right =
                    format!("no earlier than `since`, which is `{}`", since.chars().take(64).collect::<String>());
                Err(ParamError::value("until", until, right))
            }
            _ => Ok(()),
        }
    }

    /// Takes a parameter as it is.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        let place = self.0.iter().position(|(taken, _)| *taken == name)?;
        Some(self.0.swap_remove(place).1)
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        right: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ParamError> {
        let Some(value) = self.text(name) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| ParamError::value(name, &value, right))
    }

    pub(super) fn moment(&mut self, name: &'static str) -> Result<Option<Moment>, ParamError> {
        let right = "a time like 2026-11-20T09:20:34Z, a day like 2026-11-20, or how long ago: 90s, 15m, 2h, 7d, 2w";
        self.read(name, right, moment)
    }

    pub(super) fn severity(&mut self, name: &'static str) -> Result<Option<Severity>, ParamError> {
        self.read(name, "one of debug, info, warning, error, critical", |value| value.parse().ok())
    }

    pub(super) fn kind(&mut self) -> Result<Option<EventKind>, ParamError> {
        let right = EventKind::ALL.map(EventKind::as_str).join(", ");
        self.read("kind", &format!("one of {right}"), |value| EventKind::from_wire(&value.to_ascii_uppercase()))
    }

    pub(super) fn exception_state(&mut self) -> Result<Option<ExceptionState>, ParamError> {
        let right = ExceptionState::ALL.map(ExceptionState::as_str).join(", ");
        self.read("state", &format!("one of {right}"), |value| {
            ExceptionState::ALL.into_iter().find(|state| state.as_str() == value)
        })
    }

    pub(super) fn exception_order(&mut self) -> Result<Option<ExceptionOrder>, ParamError> {
        let right = ExceptionOrder::ALL.map(ExceptionOrder::as_str).join(", ");
        self.read("order", &format!("one of {right}"), |value| {
            ExceptionOrder::ALL.into_iter().find(|order| order.as_str() == value)
        })
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, ParamError> {
        self.read(name, "true or false", |value| value.parse().ok())
    }

    pub(super) fn number(&mut self, name: &'static str) -> Result<Option<u64>, ParamError> {
        self.read(name, "a whole number", |value| value.parse().ok())
    }

    /// Takes a whole number that may not be any.
    pub(super) fn number_of(
        &mut self,
        name: &'static str,
        range: &RangeInclusive<u64>,
    ) -> Result<Option<u64>, ParamError> {
        let right = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(name, &right, |value| value.parse().ok().filter(|number| range.contains(number)))
    }

    pub(super) fn width(&mut self) -> Result<Option<Width>, ParamError> {
        self.read("by", "minute or hour", |value| match value {
            "minute" => Some(Width::Minute),
            "hour" => Some(Width::Hour),
            _ => None,
        })
    }

    /// Takes one of some values, each with what it means.
    pub(super) fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        all: &[(&'static str, T)],
    ) -> Result<Option<T>, ParamError> {
        let right: Vec<&str> = all.iter().map(|(value, _)| *value).collect();
        let find = |value: &str| all.iter().find(|(known, _)| *known == value).map(|(_, meant)| *meant);
        self.read(name, &format!("one of {}", right.join(", ")), find)
    }

    pub(super) fn order(&mut self) -> Result<Option<Order>, ParamError> {
        self.read("order", "asc (oldest first) or desc (newest first)", |value| match value {
            "asc" | "oldest" => Some(Order::OldestFirst),
            "desc" | "newest" => Some(Order::NewestFirst),
            _ => None,
        })
    }

    /// Takes the place where a page before ended, as it said it.
    pub(super) fn after(&mut self) -> Result<Option<String>, ParamError> {
        let after = self.text("after");
        cursor(after.as_deref())?;
        Ok(after)
    }

    pub(super) fn limit(&mut self) -> Result<usize, ParamError> {
        let right = format!("a number from 1 to {PAGE_ROWS_MAX}");
        let limit =
            self.read("limit", &right, |value| value.parse().ok().filter(|limit| (1..=PAGE_ROWS_MAX).contains(limit)))?;
        Ok(limit.unwrap_or(PAGE_ROWS_DEFAULT))
    }
}

/// Reads a moment. In a URL a `+` that is not escaped is a space; no other form of a moment has one.
fn moment(text: &str) -> Option<Moment> {
    Moment::parse(&text.replace(' ', "+"))
}

/// Reads a cursor: the number of the last row that was seen.
pub(super) fn cursor(after: Option<&str>) -> Result<Option<i64>, ParamError> {
    let Some(text) = after else { return Ok(None) };
    let row = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    row.map(Some).ok_or_else(|| ParamError::value("cursor", text, "the `next` or `resume` of an answer before"))
}
