//! One call that sets telemetry up as the environment says.
//!
//! [`init()`] makes a reporter for a new session, gives it the sinks that the environment asks for, and has panics reported and
//! the session delivered when the program ends. [`Init`] does the same with a say of the program's in it.
//!
//! # Invariants
//!
//! - **A host is never stopped by its environment**: a variable that is wrong is a warning that names it, and is as if it were
//!   not there. [`Init::try_init`] is for who wants an error instead.
//! - **Each decision is one line** at the level `DEBUG`, of the target `lastword`, with its reason. No key is in any.
//! - **Nothing of the host's is replaced**: neither a `tracing` subscriber, nor a panic hook, nor a sink of the same name.
//! - **A key goes to the server that it is named with**: `TINKER_API_KEY` is never sent to `LASTWORD_URL`.
//! - The environment is read once, through one function.
//!
//! docs/guide-init.md has a table of all variables.

mod hooks;
mod report;
mod settings;
mod sinks;
mod variables;

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use hooks::Hooks;
use report::Report;
use settings::Settings;
use sinks::Given;
use variables::Variables;

use crate::limits::INIT_DEADLINE_DEFAULT;
use crate::reporter::{Builder, Guard, Reporter, StartError};
use crate::sink::{SettingError, Sink};
use crate::sync::say;
use crate::{TelemetryProvider, clock, observe};

/// Sets telemetry up as the environment says: a new session, the sinks that variables ask for, a panic hook, and the end of the
/// session when the program ends. Never fails; where nothing asks for a sink, it is a reporter that does nothing.
///
/// What it decided, and why, it says at the level `DEBUG` of the target `lastword`: to the `tracing` subscriber that there is by
/// then. See [`Init`] for a say of the program's.
///
/// ```
/// use lastword::event;
///
/// let telemetry = lastword::init();
/// event!(telemetry, "started", arguments = std::env::args().count());
/// // Where nothing in the environment asks for a sink, telemetry is off, and that is fine.
/// assert_eq!(telemetry.is_enabled(), !telemetry.session_id().is_empty());
/// // Dropped at the end of `main`, it ends the session and delivers it, within 5 seconds.
/// ```
pub fn init() -> Telemetry {
    Init::new().init()
}

/// Why telemetry was not set up by [`Init::try_init`]. Nothing runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// Variables of the environment are wrong: each of these.
    #[error("the environment can't be followed: {}", listed(.0))]
    Environment(Vec<SettingError>),
    /// The reporter did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The system takes no handler for the end of the process.
    #[error("the end of the process can't be watched: {0}")]
    Hook(#[from] std::io::Error),
}

fn listed(errors: &[SettingError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What a program does to its builder.
type Step = Box<dyn FnOnce(Builder) -> Builder + Send>;

/// Sets telemetry up as the environment says, where the program has a say too.
///
/// ```
/// use lastword::testing::MemorySink;
/// use lastword::{event, init::Init};
///
/// let sink = MemorySink::new();
/// let telemetry = Init::new()
///     .service("my-sdk", env!("CARGO_PKG_VERSION"))
///     .sink(sink.clone())                          // beside those that the environment asks for
///     .with(|reporter| reporter.max_retries(5).enabled(true))
///     .init();
/// event!(telemetry, "started");
/// drop(telemetry);
/// assert_eq!(sink.names(), ["started"]);
/// assert_eq!(sink.events().len(), 3, "SESSION_START, the event, SESSION_END");
/// ```
#[must_use = "nothing is set up before `init`"]
pub struct Init {
    session_id: Option<String>,
    service: Option<(String, String)>,
    steps: Vec<Step>,
    hooks: Hooks,
    variables: Variables,
}

impl Default for Init {
    fn default() -> Self {
        Self::new()
    }
}

impl Init {
    /// Begins with what [`init()`] does.
    pub fn new() -> Self {
        Self {
            session_id: None,
            service: None,
            steps: Vec::new(),
            hooks: Hooks { deadline: INIT_DEADLINE_DEFAULT, panic: true, exit: true, signals: None, layer: false },
            variables: Variables::of_process(),
        }
    }

    /// Sets the id of the session; a random UUID unless set.
    pub fn session_id(mut self, id: impl Into<String>) -> Self {
        self.session_id = Some(id.into());
        self
    }

    /// Names the program or product and its version, for every sink that has a place for them. Variables that say the same,
    /// `DD_SERVICE` for one, count before this.
    pub fn service(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.service = Some((name.into(), version.into()));
        self
    }

    /// Adds a sink of the program's own.
    pub fn sink(self, sink: impl Sink) -> Self {
        self.with(|builder| builder.sink(sink))
    }

    /// Sets anything else of the reporter. The environment comes after it.
    pub fn with(mut self, step: impl FnOnce(Builder) -> Builder + Send + 'static) -> Self {
        self.steps.push(Box::new(step));
        self
    }

    /// Sets how long the end of the program may take for what is not delivered by then; 5 seconds unless set.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.hooks.deadline = deadline;
        self
    }

    /// Sets whether panics are reported, by a [hook](crate::panic); they are, unless set.
    pub const fn panic_hook(mut self, wanted: bool) -> Self {
        self.hooks.panic = wanted;
        self
    }

    /// Sets whether the session also ends by `std::process::exit`, by a [handler](crate::exit); it does, unless set.
    pub const fn exit_hook(mut self, wanted: bool) -> Self {
        self.hooks.exit = wanted;
        self
    }

    /// Has SIGTERM, SIGINT and SIGHUP end the session within `grace`, by [handlers](crate::signal). None is there unless set.
    #[cfg(unix)]
    pub const fn signals(mut self, grace: Duration) -> Self {
        self.hooks.signals = Some(grace);
        self
    }

    /// Installs the layer of [`Telemetry::layer`] in a `tracing` subscriber for the whole process, if the program has none by
    /// then. Off unless set: a program that sets its own up later would be refused it, and many then panic.
    pub const fn install_layer(mut self) -> Self {
        self.hooks.layer = true;
        self
    }

    /// Takes these variables for those of the environment, for tests. What a reporter reads by itself (`LASTWORD_SPOOL`,
    /// `LASTWORD_ALLOW`, consent) it still reads from the process's.
    #[cfg(any(test, feature = "testing"))]
    pub fn variables<N: Into<String>, V: Into<std::ffi::OsString>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.variables =
            Variables::of(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect());
        self
    }

    /// Sets it up. What is wrong is a warning, and left out; if the reporter can't start, it is one that does nothing.
    ///
    /// ```
    /// use lastword::init::Init;
    ///
    /// let variables = [("LASTWORD_CONSOLE", "1"), ("LASTWORD_BATCH_SIZE", "many")];
    /// let telemetry = Init::new().variables(variables).with(|reporter| reporter.enabled(true)).init();
    /// assert_eq!(telemetry.health().sinks[0].name, "console");
    /// ```
    pub fn init(self) -> Telemetry {
        let mut report = Report::default();
        let (builder, hooks) = self.prepare(&mut report);
        let reporter = builder.map_or_else(|| Ok(Reporter::disabled()), Builder::start).unwrap_or_else(|error| {
            warn(format_args!("telemetry is off: {error}"));
            report.forget();
            Reporter::disabled()
        });
        if let Err(error) = hooks.install(&reporter, &mut report) {
            warn(format_args!("not all is told when the process ends: {error}"));
        }
        Telemetry::of(reporter, &hooks, report)
    }

    /// Sets it up, where all is right.
    ///
    /// # Errors
    ///
    /// A variable of the environment is wrong, or a setting of the program's; or the system gives no thread, or takes no
    /// handler. Nothing runs then.
    ///
    /// ```
    /// use lastword::init::{Init, InitError};
    ///
    /// let variables = [("LASTWORD_CONSOLE", "1"), ("LASTWORD_BATCH_SIZE", "many")];
    /// let error = Init::new().variables(variables).with(|reporter| reporter.enabled(true)).try_init().unwrap_err();
    /// assert!(error.to_string().contains("`LASTWORD_BATCH_SIZE` is wrong: it is `many`; use a whole number"), "{error}");
    /// assert!(matches!(error, InitError::Environment(wrong) if wrong[0].field() == "LASTWORD_BATCH_SIZE"));
    /// ```
    pub fn try_init(self) -> Result<Telemetry, InitError> {
        let mut report = Report::default();
        let (builder, hooks) = self.prepare(&mut report);
        let wrong = report.take_wrong();
        if !wrong.is_empty() {
            return Err(InitError::Environment(wrong));
        }
        let reporter = builder.map_or_else(|| Ok(Reporter::disabled()), Builder::start)?;
        hooks.install(&reporter, &mut report)?;
        Ok(Telemetry::of(reporter, &hooks, report))
    }

    /// Decides all there is to decide. There is no builder where telemetry is off, or has no sink.
    fn prepare(self, report: &mut Report) -> (Option<Builder>, Hooks) {
        let Self { session_id, service, steps, hooks, variables } = self;
        let session_id = session_id.unwrap_or_else(|| clock::random_id().to_string());
        let mut builder = Reporter::builder(session_id);
        if let Some((_, version)) = &service {
            builder = builder.sdk_version(version);
        }
        builder = steps.into_iter().fold(builder, |builder, step| step(builder));
        if builder.is_off() {
            report.say(format_args!("telemetry is off, as `lastword privacy status` explains: nothing is set up"));
            return (None, hooks);
        }
        let settings = Settings::read(&variables, report);
        builder = settings.apply(builder);
        let given = Given { variables: &variables, policy: settings.policy(), service: service.as_ref() };
        builder = sinks::add(builder, &given, report);
        if !builder.has_sinks() {
            let variables = sinks::all_that_ask();
            report.say(format_args!("telemetry is off: there is no sink, of the program's or because of {variables}"));
            return (None, hooks);
        }
        (Some(builder), hooks)
    }
}

impl fmt::Debug for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Init")
            .field("session_id", &self.session_id)
            .field("service", &self.service)
            .field("hooks", &self.hooks)
            .finish_non_exhaustive()
    }
}

/// What [`init()`] has set up: a [`Reporter`], which it can be used as. When it is dropped, at the end of `main`, the session
/// ends and is delivered.
///
/// ```
/// # let sink = lastword::testing::MemorySink::new();
/// # let init = lastword::init::Init::new().sink(sink.clone()).with(|reporter| reporter.enabled(true));
/// # #[cfg(any())] {
/// let telemetry = lastword::init();
/// # }
/// # let telemetry = init.init();
/// let page = lastword::capture!(telemetry, "no number".parse::<u32>());
/// let kept: lastword::Reporter = telemetry.clone(); // for those who outlive this scope
/// assert!(kept.blocking_flush(std::time::Duration::from_secs(5)).is_drained());
/// # assert!(page.is_err() && sink.events().len() == 2);
/// ```
#[derive(Debug)]
#[must_use = "dropped at once, it ends the session at once: give it a name, `let telemetry`"]
pub struct Telemetry {
    reporter: Reporter,
    _guard: Guard,
}

impl Telemetry {
    fn of(reporter: Reporter, hooks: &Hooks, mut report: Report) -> Self {
        if reporter.is_enabled() {
            let health = reporter.health();
            let sinks: Vec<_> = health.sinks.iter().map(|sink| &*sink.name).collect();
            let (sinks, session) = (sinks.join(", "), reporter.session_id());
            let (level, outlives) = (reporter.consent(), health.durability);
            report.say(format_args!(
                "session {session:?}: reports to {sinks}; consent is {level}, the queue's durability {outlives}"
            ));
        }
        report.tell();
        Self { _guard: reporter.guard(hooks.deadline), reporter }
    }

    /// Returns a layer that takes the `tracing` events of this session, for the program's own subscriber. See
    /// [`observe`].
    ///
    /// ```
    /// use tracing_subscriber::layer::SubscriberExt;
    ///
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let telemetry = lastword::init::Init::new().sink(sink.clone()).with(|reporter| reporter.enabled(true)).init();
    /// let subscriber = tracing_subscriber::registry().with(telemetry.layer());
    /// tracing::subscriber::with_default(subscriber, || {
    ///     tracing::info!(name: "tinkex.queue.state_change", session_id = telemetry.session_id(), queue_depth = 7);
    /// });
    /// # drop(telemetry);
    /// # assert_eq!(sink.names(), ["tinkex.queue.state_change"]);
    /// ```
    #[must_use]
    pub fn layer(&self) -> observe::Layer {
        observe::Layer::new(&self.reporter)
    }
}

impl Deref for Telemetry {
    type Target = Reporter;

    fn deref(&self) -> &Reporter {
        &self.reporter
    }
}

impl TelemetryProvider for Telemetry {
    #[inline]
    fn telemetry(&self) -> Option<&Reporter> {
        Some(&self.reporter)
    }
}

fn warn(what: fmt::Arguments<'_>) {
    say(|| tracing::warn!(target: "lastword", "{what}"));
}
