//! Who has said what, and which of it wins.

use std::fmt;

use super::{Level, SettingsError, SettingsFile, UserSettings};
use crate::limits::SAID_CHARS_MAX;
use crate::privacy::{SWITCH_VARIABLE, Switch, switch};

/// What the program that reports has asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Program {
    /// `Builder::enabled`.
    pub enabled: Option<bool>,
    /// `Builder::consent`.
    pub consent: Option<Level>,
}

/// What the environment says, variable by variable; `None` where there is no such variable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `TINKER_TELEMETRY`: whether programs of this kind report. See [`switch`].
    pub tinker_telemetry: Option<String>,
    /// `DISABLE_TELEMETRY`: `1 true yes on` turn telemetry off, `0 false no off` and nothing say nothing, and what is neither
    /// turns it off.
    pub disable_telemetry: Option<String>,
    /// `DO_NOT_TRACK`: anything but `0`, `false` and nothing turns telemetry off, as that convention has it.
    pub do_not_track: Option<String>,
    /// `TELEMETRY_ENABLED`: the words of `TINKER_TELEMETRY`.
    pub telemetry_enabled: Option<String>,
    /// `TINKER_TELEMETRY_INTERNAL`: whether this is one of those machines that [`Environment::is_internal`] is about.
    pub internal: Option<String>,
    /// `USER_TYPE`, where `ant` says the same.
    pub user_type: Option<String>,
}

impl Environment {
    /// Reads the environment of this process: the only place that does, for consent.
    #[must_use]
    pub fn of_process() -> Self {
        // What is no Unicode is no word that turns anything on.
        let read = |name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self {
            tinker_telemetry: read(SWITCH_VARIABLE),
            disable_telemetry: read(Source::DisableTelemetry.name()),
            do_not_track: read(Source::DoNotTrack.name()),
            telemetry_enabled: read(Source::TelemetryEnabled.name()),
            internal: read("TINKER_TELEMETRY_INTERNAL"),
            user_type: read("USER_TYPE"),
        }
    }

    /// Returns whether this is a machine of those who make the program, for diagnostics that are none of a user's: of two
    /// keys, the one that the environment has. The other is the program's, with `Builder::internal`.
    ///
    /// ```
    /// use lastword::privacy::consent::Environment;
    /// let with = |internal: &str| Environment { internal: Some(internal.into()), ..Environment::default() };
    /// assert!(with("1").is_internal() && !with("0").is_internal() && !with("perhaps").is_internal());
    /// assert!(Environment { user_type: Some("ant".into()), ..Environment::default() }.is_internal());
    /// assert!(!Environment::default().is_internal());
    /// ```
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.internal.as_deref().is_some_and(|said| switch(Some(said)).is_on())
            || self.user_type.as_deref() == Some("ant")
    }
}

/// What was found of the user's settings.
#[derive(Debug)]
pub enum Found {
    /// There is no file, or no place for one.
    Nothing,
    /// This stands in it.
    Settings(UserSettings),
    /// It can't be read, or not be understood.
    Trouble(SettingsError),
}

impl Found {
    /// Reads the settings file of this process's user.
    #[must_use]
    pub fn of_user() -> Self {
        match SettingsFile::of_user().map(|file| file.read()) {
            None | Some(Ok(None)) => Self::Nothing,
            Some(Ok(Some(settings))) => Self::Settings(settings),
            Some(Err(error)) => Self::Trouble(error),
        }
    }
}

/// Who may say something about consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The program, with `Builder::enabled`.
    Enabled,
    /// The program, with `Builder::consent`.
    Consent,
    /// The user's settings file.
    Settings,
    /// The environment variable `DO_NOT_TRACK`.
    DoNotTrack,
    /// The environment variable `DISABLE_TELEMETRY`.
    DisableTelemetry,
    /// The environment variable `TINKER_TELEMETRY`.
    TinkerTelemetry,
    /// The environment variable `TELEMETRY_ENABLED`.
    TelemetryEnabled,
}

impl Source {
    /// Every source. Of several that say the same, the first is the one that is named.
    pub const ALL: [Self; 7] = [
        Self::Enabled,
        Self::Consent,
        Self::Settings,
        Self::DoNotTrack,
        Self::DisableTelemetry,
        Self::TinkerTelemetry,
        Self::TelemetryEnabled,
    ];

    /// Returns what it is called: the name of the variable, for those of the environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Consent => "consent",
            Self::Settings => "settings file",
            Self::DoNotTrack => "DO_NOT_TRACK",
            Self::DisableTelemetry => "DISABLE_TELEMETRY",
            Self::TinkerTelemetry => SWITCH_VARIABLE,
            Self::TelemetryEnabled => "TELEMETRY_ENABLED",
        }
    }

    const fn is_environment(self) -> bool {
        matches!(self, Self::DoNotTrack | Self::DisableTelemetry | Self::TinkerTelemetry | Self::TelemetryEnabled)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What comes of what a source says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It says nothing about it.
    Nothing,
    /// No more than this may be reported.
    Limits(Level),
    /// No more than this might be reported, had the program not said otherwise.
    Overruled(Level),
}

/// One source, what it says, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// Who says it.
    pub source: Source,
    /// What it says, cut to a length that every word has; `None` if it is silent.
    pub said: Option<String>,
    /// What comes of it.
    pub effect: Effect,
    /// What is wrong with what it says, and what would be right.
    pub warning: Option<String>,
}

/// How much may be reported, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Consent {
    level: Level,
    rules: Vec<Rule>,
    settings: UserSettings,
}

impl Consent {
    /// Decides for this process: a program's own wishes, its environment and its user's settings.
    ///
    /// ```
    /// use lastword::privacy::Level;
    /// use lastword::privacy::consent::{Consent, Program, Source};
    ///
    /// let off = Program { enabled: Some(false), ..Program::default() };
    /// let consent = Consent::of_process(&off);
    /// assert_eq!((consent.level(), consent.winner().map(|rule| rule.source)), (Level::None, Some(Source::Enabled)));
    /// ```
    #[must_use]
    pub fn of_process(program: &Program) -> Self {
        decide(program, &Environment::of_process(), Found::of_user())
    }

    /// Returns how much may be reported.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Returns the rule that won: the first of those that allow no more. `None` where nobody says anything.
    #[must_use]
    pub fn winner(&self) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.effect == Effect::Limits(self.level))
    }

    /// Returns what each source says, in the order of [`Source::ALL`].
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Goes through what is wrong with what was said.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter_map(|rule| rule.warning.as_deref())
    }

    /// Returns what the user's settings say; nothing, where they could not be read.
    #[must_use]
    pub const fn settings(&self) -> &UserSettings {
        &self.settings
    }

    /// Returns whether the user's settings let this user's id leave; `None` if they don't say.
    #[must_use]
    pub fn user(&self, id: &str) -> Option<bool> {
        self.settings.user(id)
    }
}

/// Decides how much may be reported: the most restrictive of what is said, but that `enabled(true)` beats the environment.
///
/// ```
/// use lastword::privacy::Level;
/// use lastword::privacy::consent::{Environment, Found, Program, Source, UserSettings, decide};
///
/// let environment = Environment { do_not_track: Some("1".into()), ..Environment::default() };
/// let consent = decide(&Program::default(), &environment, Found::Nothing);
/// assert_eq!((consent.level(), consent.winner().unwrap().source), (Level::None, Source::DoNotTrack));
///
/// let program = Program { enabled: Some(true), consent: None };
/// assert_eq!(decide(&program, &environment, Found::Nothing).level(), Level::Full);
///
/// let mut settings = UserSettings::default();
/// settings.set_consent(Level::Essential);
/// let consent = decide(&program, &environment, Found::Settings(settings));
/// assert_eq!((consent.level(), consent.winner().unwrap().source), (Level::Essential, Source::Settings));
/// ```
#[must_use]
pub fn decide(program: &Program, environment: &Environment, found: Found) -> Consent {
    let overrules = program.enabled == Some(true);
    let rule = |source: Source| {
        let mut rule = match source {
            Source::Enabled => enabled(program.enabled),
            Source::Consent => Rule::limit(source, program.consent),
            Source::Settings => settings(&found),
            Source::DoNotTrack => do_not_track(environment.do_not_track.as_deref()),
            Source::DisableTelemetry => disable(environment.disable_telemetry.as_deref()),
            Source::TinkerTelemetry => switched(source, environment.tinker_telemetry.as_deref()),
            Source::TelemetryEnabled => switched(source, environment.telemetry_enabled.as_deref()),
        };
        if let (true, true, Effect::Limits(level)) = (overrules, source.is_environment(), rule.effect) {
            rule.effect = Effect::Overruled(level);
            rule.warning = None;
        }
        rule
    };
    let rules: Vec<Rule> = Source::ALL.into_iter().map(rule).collect();
    let limits = rules.iter().filter_map(|rule| match rule.effect {
        Effect::Limits(level) => Some(level),
        Effect::Nothing | Effect::Overruled(_) => None,
    });
    let level = limits.min().unwrap_or(Level::Full);
    let settings = match found {
        Found::Settings(settings) => settings,
        Found::Nothing | Found::Trouble(_) => UserSettings::default(),
    };
    Consent { level, rules, settings }
}

impl Rule {
    fn new(source: Source, said: Option<&str>, effect: Effect) -> Self {
        let said = said.map(|said| said.chars().take(SAID_CHARS_MAX).collect());
        Self { source, said, effect, warning: None }
    }

    fn limit(source: Source, level: Option<Level>) -> Self {
        Self::new(source, level.map(Level::as_str), level.map_or(Effect::Nothing, Effect::Limits))
    }

    fn warn(mut self, warning: String) -> Self {
        self.warning = Some(warning);
        self
    }
}

fn enabled(enabled: Option<bool>) -> Rule {
    match enabled {
        Some(true) => Rule::new(Source::Enabled, Some("true"), Effect::Limits(Level::Full)),
        Some(false) => Rule::new(Source::Enabled, Some("false"), Effect::Limits(Level::None)),
        None => Rule::new(Source::Enabled, None, Effect::Nothing),
    }
}

fn settings(found: &Found) -> Rule {
    match found {
        Found::Nothing => Rule::new(Source::Settings, None, Effect::Nothing),
        Found::Settings(settings) => Rule::limit(Source::Settings, settings.consent()),
        Found::Trouble(error) => {
            let rule = Rule::new(Source::Settings, Some("what can't be understood"), Effect::Limits(Level::None));
            rule.warn(format!("the settings file is no use, so telemetry is off: {error}"))
        }
    }
}

fn do_not_track(said: Option<&str>) -> Rule {
    let is_silent =
        said.is_none_or(|said| matches!(said.trim(), "" | "0") || said.trim().eq_ignore_ascii_case("false"));
    let effect = if is_silent { Effect::Nothing } else { Effect::Limits(Level::None) };
    Rule::new(Source::DoNotTrack, said, effect)
}

fn disable(said: Option<&str>) -> Rule {
    let source = Source::DisableTelemetry;
    // The words are those of a switch, the other way round; and nothing says nothing.
    match said.filter(|said| !said.trim().is_empty()).map(|value| switch(Some(value))) {
        None | Some(Switch::Off) => Rule::new(source, said, Effect::Nothing),
        Some(Switch::On) => Rule::new(source, said, Effect::Limits(Level::None)),
        Some(Switch::UnknownOff) => {
            let rule = Rule::new(source, said, Effect::Limits(Level::None));
            rule.warn(format!("{source} is neither 1 true yes on nor 0 false no off: telemetry is off"))
        }
    }
}

fn switched(source: Source, said: Option<&str>) -> Rule {
    match (said, switch(said)) {
        (None, _) => Rule::new(source, None, Effect::Nothing),
        (_, Switch::On) => Rule::new(source, said, Effect::Limits(Level::Full)),
        (_, Switch::Off) => Rule::new(source, said, Effect::Limits(Level::None)),
        (_, Switch::UnknownOff) => {
            let rule = Rule::new(source, said, Effect::Limits(Level::None));
            let words = "is neither on (1 true yes on) nor off (0 false no off): telemetry is off";
            rule.warn(format!("{source} {words}"))
        }
    }
}

#[cfg(test)]
mod tests;
