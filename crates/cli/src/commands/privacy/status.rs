//! `lastword privacy status`: the rule that won, and all others.

use lastword::privacy::Level;
use lastword::privacy::consent::{Consent, Effect, Program, Rule, SettingsFile, Source};
use serde::Serialize;

use crate::error::Error;
use crate::flags::privacy::StatusArgs;
use crate::output::cells::{self, Line};
use crate::output::{Look, Output, text};

/// How much may be reported, and why, as JSON.
#[derive(Serialize)]
struct Status<'a> {
    level: Level,
    decided_by: Option<&'static str>,
    settings_file: Option<String>,
    users: Users,
    rules: Vec<Said<'a>>,
}

#[derive(Serialize)]
struct Users {
    allowed: usize,
    denied: usize,
}

#[derive(Serialize)]
struct Said<'a> {
    source: &'static str,
    said: Option<&'a str>,
    limit: Option<Level>,
    decides: bool,
    warning: Option<&'a str>,
}

/// Shows it.
///
/// # Errors
///
/// The output can't be written.
pub(super) fn run(args: &StatusArgs) -> Result<(), Error> {
    let consent = Consent::of_process(&Program::default());
    let mut output = Output::stdout();
    if args.json {
        output.object(&Status::of(&consent))?;
        return output.flush();
    }
    for line in lines(&consent, output.look()) {
        output.line(&line)?;
    }
    output.flush()
}

impl<'a> Status<'a> {
    fn of(consent: &'a Consent) -> Self {
        let winner = consent.winner().map(|rule| rule.source);
        let (allowed, denied) = consent.settings().users();
        let said = |rule: &'a Rule| Said {
            source: rule.source.name(),
            said: rule.said.as_deref(),
            limit: limit(rule),
            decides: Some(rule.source) == winner,
            warning: rule.warning.as_deref(),
        };
        Self {
            level: consent.level(),
            decided_by: winner.map(Source::name),
            settings_file: place(),
            users: Users { allowed, denied },
            rules: consent.rules().iter().map(said).collect(),
        }
    }
}

fn limit(rule: &Rule) -> Option<Level> {
    match rule.effect {
        Effect::Limits(level) => Some(level),
        Effect::Nothing | Effect::Overruled(_) => None,
    }
}

fn place() -> Option<String> {
    SettingsFile::of_user().map(|file| file.path().display().to_string())
}

/// Says in one line what a level means.
pub(super) const fn meaning(level: Level) -> &'static str {
    match level {
        Level::None => "nothing leaves",
        Level::Essential => "errors and crashes leave, and that sessions begin and end; nothing else",
        Level::Full => "everything that programs report leaves",
    }
}

/// Says who decides.
pub(super) fn because(consent: &Consent) -> String {
    match consent.winner() {
        Some(rule) if rule.source == Source::Settings => {
            let place = place().unwrap_or_default();
            format!("the settings file {} says {}", text::neutral(&place), said(rule))
        }
        Some(rule) => format!("{} says {}", rule.source, said(rule)),
        None => "nobody says anything".to_owned(),
    }
}

fn said(rule: &Rule) -> String {
    match rule.said.as_deref() {
        None => "-".to_owned(),
        Some("") => "nothing, which is off".to_owned(),
        Some(said) => text::neutral(said).into_owned(),
    }
}

fn lines(consent: &Consent, look: Look) -> Vec<String> {
    let mut lines = vec![
        format!("consent    {}: {}", consent.level(), meaning(consent.level())),
        format!("because    {}", because(consent)),
        format!(
            "settings   {}",
            place().map_or("no place for a file".into(), |place| text::neutral(&place).into_owned())
        ),
    ];
    let (allowed, denied) = consent.settings().users();
    if allowed + denied > 0 {
        lines.push(format!("users      ids that may leave: {allowed}, that may not: {denied}"));
    }
    lines.push(String::new());
    lines.push(row(look, ["RULE", "SAYS", "ALLOWS"], cells::HEAD));
    let winner = consent.winner().map(|rule| rule.source);
    // Of a program's own wishes nothing is known here.
    for rule in consent.rules().iter().filter(|rule| !matches!(rule.source, Source::Enabled | Source::Consent)) {
        let allows = limit(rule).map_or("-", Level::as_str);
        let decides = Some(rule.source) == winner;
        let allows = if decides { format!("{allows}, and decides") } else { allows.to_owned() };
        let said = if rule.said.as_deref() == Some("") { "nothing".to_owned() } else { said(rule) };
        lines.push(row(look, [rule.source.name(), &said, &allows], if decides { cells::HEAD } else { cells::PLAIN }));
    }
    lines.extend(consent.warnings().map(|warning| format!("\n{}", text::neutral(warning))));
    lines
}

fn row(look: Look, [rule, says, allows]: [&str; 3], style: anstyle::Style) -> String {
    Line::new(look).cell(rule, 18, style).cell(says, 24, style).rest(allows, style)
}
