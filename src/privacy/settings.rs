//! What a program says about privacy.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::redactor::Redactor;
use crate::limits::{STRING_BYTES_MAX, STRING_BYTES_MAX_DEFAULT, STRING_BYTES_MIN};

/// What becomes of a text, as a program's own scrubber says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scrubbed {
    /// It stays as it is.
    Keep,
    /// This stands in its place.
    Replace(String),
    /// Nothing stands in its place: null, or an empty text where there must be one.
    Remove,
}

pub(super) type Scrub = dyn Fn(&str, &str) -> Scrubbed + Send + Sync;
pub(super) type Search = dyn Fn(&str) -> Option<Range<usize>> + Send + Sync;

/// What is taken out of every event before it is queued; [`Builder::privacy`](crate::Builder::privacy) takes it.
///
/// Unless set otherwise, in this order: values whose names are those of secrets (`password`, `api_key`, `authorization`,
/// `cookie`), whatever their type; secrets, addresses, numbers of cards and telephones, and homes of users within texts, of
/// which the rest stays; what is longer than 64 KiB.
///
/// ```
/// use lastword::privacy::{Privacy, Scrubbed};
///
/// let privacy = Privacy::new()
///     .key("employee_number")
///     .rule("ticket", |text| text.find("TICKET-").map(|start| start..text.len()))
///     .scrub(|name, text| if name == "prompt" { Scrubbed::Replace(format!("{} bytes", text.len())) } else { Scrubbed::Keep })
///     .max_string_bytes(512);
/// let redactor = privacy.redactor().unwrap();
/// assert_eq!(redactor.redact("see TICKET-17"), "see [redacted:ticket]");
/// assert_eq!(redactor.redact("mail ada@example.com"), "mail [redacted:email]");
/// assert!(Privacy::off().redactor().is_none());
/// ```
#[derive(Clone)]
pub struct Privacy {
    pub(super) redacts: bool,
    pub(super) keys: Vec<String>,
    pub(super) rules: Vec<(&'static str, Arc<Search>)>,
    pub(super) scrub: Option<Arc<Scrub>>,
    pub(super) string_bytes_max: Option<usize>,
    pub(super) tool_input: bool,
    pub(super) model_content: bool,
}

impl Default for Privacy {
    fn default() -> Self {
        Self::new()
    }
}

impl Privacy {
    /// The settings that a reporter has unless others are set.
    ///
    /// ```
    /// assert!(lastword::privacy::Privacy::new().redactor().is_some());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self {
            redacts: true,
            keys: Vec::new(),
            rules: Vec::new(),
            scrub: None,
            string_bytes_max: Some(STRING_BYTES_MAX_DEFAULT),
            tool_input: false,
            model_content: false,
        }
    }

    /// Takes nothing out: for programs that need the data as it is, and may have it.
    ///
    /// ```
    /// assert!(lastword::privacy::Privacy::off().redactor().is_none());
    /// ```
    #[must_use]
    pub const fn off() -> Self {
        Self {
            redacts: false,
            keys: Vec::new(),
            rules: Vec::new(),
            scrub: None,
            string_bytes_max: None,
            tool_input: true,
            model_content: true,
        }
    }

    /// Hides the value of every field of this name too, whatever its type: case and separators don't matter.
    ///
    /// ```
    /// use lastword::event::Screen;
    /// let redactor = lastword::privacy::Privacy::new().key("employee_number").redactor().unwrap();
    /// assert!(redactor.hides("Employee-Number"));
    /// assert!(!redactor.hides("employee"));
    /// ```
    #[must_use]
    pub fn key(mut self, name: &str) -> Self {
        let folded = name.chars().filter(|char| !matches!(char, '_' | '-' | '.' | ' ' | '[' | ']' | ':'));
        self.keys.push(folded.map(|char| char.to_ascii_lowercase()).collect());
        self
    }

    /// Adds a rule: `search` says where in a text the first thing stands that must not leave, and is asked again for what is
    /// behind it. It becomes `[redacted:name]`. It must find nothing in that.
    ///
    /// It runs on the caller's thread, for every text that leaves. A panic in it drops the event.
    ///
    /// ```
    /// let privacy = lastword::privacy::Privacy::new().rule("host", |text| text.find("db-7").map(|at| at..at + 4));
    /// assert_eq!(privacy.redactor().unwrap().redact("db-7, db-71"), "[redacted:host], [redacted:host]1");
    /// ```
    #[must_use]
    pub fn rule(
        mut self,
        name: &'static str,
        search: impl Fn(&str) -> Option<Range<usize>> + Send + Sync + 'static,
    ) -> Self {
        self.rules.push((name, Arc::new(search)));
        self
    }

    /// Lets the program decide about each text: it is given the innermost name that a text stands under (`message` and
    /// `traceback` for those of an error) and the text as it would leave.
    ///
    /// It runs on the caller's thread, after what is known was taken out and before what is too long is cut. A panic in it
    /// drops that event, as [`DropReason::ScrubFailed`](crate::DropReason::ScrubFailed). Keys of maps are redacted and not
    /// shown to it.
    ///
    /// ```
    /// use lastword::privacy::{Privacy, Scrubbed};
    /// use lastword::{Reporter, event};
    /// # let sink = lastword::testing::MemorySink::new();
    ///
    /// let privacy = Privacy::new().scrub(|name, _| if name == "prompt" { Scrubbed::Remove } else { Scrubbed::Keep });
    /// let reporter = Reporter::builder("s").privacy(privacy).enabled(true).sink(sink.clone()).start()?;
    /// event!(reporter, "asked", prompt = "What is love?", model = "m");
    /// reporter.blocking_stop(std::time::Duration::from_secs(5));
    /// assert_eq!(sink.events()[1]["event_data"], serde_json::json!({"prompt": null, "model": "m"}));
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    #[must_use]
    pub fn scrub(mut self, scrub: impl Fn(&str, &str) -> Scrubbed + Send + Sync + 'static) -> Self {
        self.scrub = Some(Arc::new(scrub));
        self
    }

    /// Cuts texts that are longer, at a character, and notes how long they were: 64 KiB unless set; what is asked for is
    /// brought between 64 bytes and 512 KiB.
    ///
    /// ```
    /// let redactor = lastword::privacy::Privacy::new().max_string_bytes(64).redactor().unwrap();
    /// let text = "ab ".repeat(100);
    /// let cut = redactor.redact(&text);
    /// assert!(cut.len() <= 64 && cut.ends_with("… (of 300 bytes)"), "{cut}");
    /// ```
    #[must_use]
    pub const fn max_string_bytes(mut self, bytes: usize) -> Self {
        self.string_bytes_max = Some(if bytes < STRING_BYTES_MIN {
            STRING_BYTES_MIN
        } else if bytes > STRING_BYTES_MAX {
            STRING_BYTES_MAX
        } else {
            bytes
        });
        self
    }

    /// Cuts no text, however long it is: for whoever has a bound of its own, as files of runs and a collector do.
    ///
    /// ```
    /// let text = "ab ".repeat(100_000);
    /// let redactor = lastword::privacy::Privacy::new().uncut().redactor().unwrap();
    /// assert_eq!(redactor.redact(&text), text);
    /// ```
    #[must_use]
    pub const fn uncut(mut self) -> Self {
        self.string_bytes_max = None;
        self
    }

    /// Reports what tools were given, where it is logged as [`ToolInput`](super::ToolInput): an outline of it. Without this,
    /// null stands there.
    #[must_use]
    pub const fn tool_input(mut self) -> Self {
        self.tool_input = true;
        self
    }

    /// Reports what models are given and what they answer, where a [`ModelCall`](crate::trace::ModelCall) is told: redacted
    /// and cut like all texts. Without this it is not even serialised.
    #[must_use]
    pub const fn model_content(mut self) -> Self {
        self.model_content = true;
        self
    }

    /// Returns whether what tools were given and come to is reported.
    pub(crate) const fn shows_input(&self) -> bool {
        self.tool_input
    }

    /// Returns whether what models are given and answer is reported.
    pub(crate) const fn shows_content(&self) -> bool {
        self.model_content
    }

    /// Makes what applies these settings; `None` if they say nothing.
    ///
    /// ```
    /// let redactor = lastword::privacy::Privacy::new().redactor().unwrap();
    /// assert_eq!(redactor.redact("/home/ada/sdk/src"), "~/sdk/src");
    /// ```
    #[must_use]
    pub fn redactor(&self) -> Option<Redactor> {
        let says_something = self.redacts
            || !self.keys.is_empty()
            || !self.rules.is_empty()
            || self.scrub.is_some()
            || !self.tool_input
            || self.string_bytes_max.is_some();
        says_something.then(|| Redactor::new(self.clone()))
    }
}

impl fmt::Debug for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules: Vec<_> = self.rules.iter().map(|(name, _)| name).collect();
        f.debug_struct("Privacy")
            .field("redacts", &self.redacts)
            .field("keys", &self.keys)
            .field("rules", &rules)
            .field("scrubs", &self.scrub.is_some())
            .field("tool_input", &self.tool_input)
            .field("model_content", &self.model_content)
            .field("string_bytes_max", &self.string_bytes_max)
            .finish()
    }
}
