//! Errors that are the user's own doing: they are told apart from those that somebody must look into.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::guard::{before_word, guarded};
use crate::limits::{DATA_DEPTH_MAX, USER_ERROR_BODY_BYTES_MAX};

/// Says of an error whether it is the user's, and if so, what the other side answered.
///
/// It is asked about each error of a `source()` chain, the outermost first.
pub type Classifier = dyn Fn(&(dyn Error + 'static)) -> Option<UserFault> + Send + Sync;

/// What is known of an error that is the user's: the status and the body of the answer, where there was one.
///
/// A status decides: it is the user's fault if it is 400 to 499, except 408 and 429, which are worth another try.
/// Without a status the error is the user's because somebody said so.
///
/// ```
/// use lastword::UserFault;
/// assert!(UserFault::new().is_user());
/// assert!(UserFault::new().status(422).is_user());
/// assert!(!UserFault::new().status(429).is_user());
/// assert!(!UserFault::new().status(500).is_user());
/// ```
#[derive(Clone, PartialEq, Default)]
pub struct UserFault {
    status: Option<u16>,
    body: Option<Value>,
}

impl UserFault {
    /// Says that an error is the user's.
    #[must_use]
    pub const fn new() -> Self {
        Self { status: None, body: None }
    }

    /// Adds the status of the answer.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds the body of the answer. One that is larger than 16 KiB is reported as text, cut to that.
    #[must_use]
    pub fn body(mut self, body: impl Into<Value>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Returns whether it is the user's: whether its status, if there is one, says so.
    #[must_use]
    pub const fn is_user(&self) -> bool {
        matches!(self.status, None | Some(400..=407 | 409..=428 | 430..=499))
    }

    pub(super) const fn known_status(&self) -> Option<u16> {
        self.status
    }

    pub(super) const fn known_body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// Cuts the body to what an event can hold.
    pub(super) fn bounded(self) -> Self {
        Self { status: self.status, body: self.body.filter(|body| !body.is_null()).map(bounded) }
    }
}

/// Without the body: it may hold what must not leave.
impl fmt::Debug for UserFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserFault").field("status", &self.status).finish_non_exhaustive()
    }
}

/// An error that carries the status of an answer: for SDKs that have no type of their own for it, or want theirs to be
/// understood without a classifier, by having this one as its `source()`.
///
/// Reported, it becomes the event `user_error` if [`UserFault::is_user`] says so.
///
/// ```
/// use lastword::UserError;
/// use serde_json::json;
///
/// let error = UserError::new("no such model").status(404).body(json!({"model": "llama-9"}));
/// assert_eq!(error.to_string(), "no such model");
/// assert!(error.fault().is_user());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct UserError {
    message: String,
    fault: UserFault,
}

impl UserError {
    /// Makes an error with this message.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), fault: UserFault::new() }
    }

    /// Adds the status of the answer.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.fault = self.fault.status(status);
        self
    }

    /// Adds the body of the answer.
    #[must_use]
    pub fn body(mut self, body: impl Into<Value>) -> Self {
        self.fault = self.fault.body(body);
        self
    }

    /// Returns what it knows of the answer.
    #[must_use]
    pub const fn fault(&self) -> &UserFault {
        &self.fault
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for UserError {}

/// Finds out whether this one error is the user's: its sources are not looked at.
pub(super) fn fault_of(error: &(dyn Error + 'static), classify: Option<&Classifier>) -> Option<UserFault> {
    let said = classify.and_then(|classify| guarded(|| classify(error)).flatten());
    let fault = said.or_else(|| find::<UserError>(error).map(|error| error.fault.clone()));
    #[cfg(feature = "http")]
    let fault = fault.or_else(|| {
        let status = find::<reqwest::Error>(error)?.status()?;
        Some(UserFault::new().status(status.as_u16()))
    });
    fault.filter(UserFault::is_user)
}

/// Finds a type behind the pointers that are errors themselves.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    error
        .downcast_ref::<T>()
        .or_else(|| error.downcast_ref::<Box<T>>().map(|inner| &**inner))
        .or_else(|| error.downcast_ref::<Arc<T>>().map(|inner| &**inner))
}

fn bounded(body: Value) -> Value {
    if is_deeper_than(&body, DATA_DEPTH_MAX / 2) {
        return Value::from("<nested too deep>");
    }
    let text = body.to_string();
    if text.len() <= USER_ERROR_BODY_BYTES_MAX {
        return body;
    }
    let end = before_word(&text, text.floor_char_boundary(USER_ERROR_BODY_BYTES_MAX));
    Value::from(format!("{}… ({} bytes more)", &text[..end], text.len() - end))
}

fn is_deeper_than(value: &Value, depth: usize) -> bool {
    let Some(below) = depth.checked_sub(1) else { return true };
    match value {
        Value::Array(values) => values.iter().any(|value| is_deeper_than(value, below)),
        Value::Object(fields) => fields.values().any(|value| is_deeper_than(value, below)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
