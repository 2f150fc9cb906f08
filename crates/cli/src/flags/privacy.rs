//! `lastword privacy`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use lastword::privacy::Level;

use super::source::{CollectorArgs, SourceArgs};
use super::store::changed;

const PRIVACY_HELP: &str = "\
Examples:
  lastword privacy status                      how much programs may report, and who said so
  lastword privacy disable                     nothing leaves any program any more
  lastword privacy level essential             errors and crashes only
  echo '{\"note\": \"ask ada@example.com\"}' | lastword privacy test

What is said here stands in a file of yours (`status` shows where) and binds every
program that uses this library, whatever the program itself wants. Of all that is
said, there and in the environment, the most restrictive wins.

It takes effect when a program starts; one that runs goes on as it began. forget,
opt-in and rules are about what a collector has stored.";

/// How much programs may report, who said so, and what would leave.
#[derive(Debug, Args)]
#[command(after_help = PRIVACY_HELP)]
pub(crate) struct PrivacyArgs {
    #[command(subcommand)]
    pub(crate) command: PrivacyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PrivacyCommand {
    /// Show how much programs may report, which rule won, and what every other rule says
    Status(StatusArgs),
    /// Let programs report everything that nobody else forbids
    Enable(EnableArgs),
    /// Let no program report anything
    Disable(DisableArgs),
    /// Let programs report so much at the most
    Level(LevelArgs),
    /// Say whether the id of a user may leave
    User(UserArgs),
    /// Show what would leave of a JSON object, and what would be taken out of it, by which rule
    Test(TestArgs),
    /// Take the id of a user out of all that a collector has stored, as `lastword store forget` does
    #[command(mut_arg("data", changed))]
    Forget(PersonArgs),
    /// Note at a collector that a user has agreed to be told of, as `lastword store opt-in` does
    #[command(mut_arg("data", changed))]
    OptIn(PersonArgs),
    /// Show which rules have taken something out of what a collector was sent, and how often
    Rules(RulesArgs),
}

/// Whose id is meant, and where it is stored.
#[derive(Debug, Args)]
pub(crate) struct PersonArgs {
    #[command(flatten)]
    place: SourceArgs,
    /// The id, as events have it in `user_id`
    #[arg(value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
    user: String,
    /// Don't ask
    #[arg(long)]
    yes: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl From<PersonArgs> for super::store::UserArgs {
    fn from(PersonArgs { place, user, yes, json }: PersonArgs) -> Self {
        Self { place, user, yes, json }
    }
}

const RULES_HELP: &str = "\
Examples:
  lastword privacy rules
  lastword privacy rules --url https://collector.example --json

Counted since the collector was started, by /metrics: a key with the scope read is
enough. What the rules do with an event of yours shows `lastword privacy test`.";

/// Show which rules have taken something out of what a collector was sent.
#[derive(Debug, Args)]
#[command(after_help = RULES_HELP)]
pub(crate) struct RulesArgs {
    #[command(flatten)]
    pub(crate) collector: CollectorArgs,
    /// One JSON object instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}

const STATUS_HELP: &str = "\
Examples:
  lastword privacy status
  lastword privacy status --json | jq -r .level
  DO_NOT_TRACK=1 lastword privacy status       what a program would see that is started so

The rules: DO_NOT_TRACK (anything but 0, false and nothing), DISABLE_TELEMETRY (1
true yes on), TINKER_TELEMETRY and TELEMETRY_ENABLED (0 false no off and nothing)
turn everything off; so does a settings file that can't be understood. A program
may ask for less by itself. One that says `enabled(true)` does not look at the
environment; the settings file binds it all the same.";

/// Show how much programs may report, which rule won, and what every other rule says.
#[derive(Debug, Args)]
#[command(after_help = STATUS_HELP)]
pub(crate) struct StatusArgs {
    /// One JSON object instead of columns
    #[arg(long)]
    pub(crate) json: bool,
}

const ENABLE_HELP: &str = "\
Examples:
  lastword privacy enable

The same as `lastword privacy level full`. It takes back what was said here before;
what the environment says stands.";

/// Let programs report everything that nobody else forbids.
#[derive(Debug, Args)]
#[command(after_help = ENABLE_HELP)]
pub(crate) struct EnableArgs {}

const DISABLE_HELP: &str = "\
Examples:
  lastword privacy disable

The same as `lastword privacy level none`. Programs that start from now on make no
event, no connection and no file. What earlier ones have left in a spool stays
there: `lastword spool purge DIR --all --yes` removes it.";

/// Let no program report anything.
#[derive(Debug, Args)]
#[command(after_help = DISABLE_HELP)]
pub(crate) struct DisableArgs {}

const LEVEL_HELP: &str = "\
Examples:
  lastword privacy level essential

  full        everything that a program reports
  essential   that sessions begin and end, and what goes wrong in them: errors,
              panics, crashes; no other event, and no id of a user
  none        nothing";

/// Let programs report so much at the most.
#[derive(Debug, Args)]
#[command(after_help = LEVEL_HELP)]
pub(crate) struct LevelArgs {
    /// full, essential or none
    #[arg(value_name = "LEVEL")]
    pub(crate) level: Level,
}

const USER_HELP: &str = "\
Examples:
  lastword privacy user allow ada@example.com
  lastword privacy user deny -  < id           an id that no list of processes shows

Programs that know their user report one of 30 buckets, and not who it is. With
`allow` they report the id of that user too; with `deny` they don't, though the
user has agreed to it in the program. The file keeps the SHA-256 of the id alone.";

/// Say whether the id of a user may leave.
#[derive(Debug, Args)]
#[command(after_help = USER_HELP)]
pub(crate) struct UserArgs {
    /// Whether it may
    #[arg(value_name = "allow|deny")]
    pub(crate) word: Word,
    /// The id that programs know the user by; - reads it from standard input
    #[arg(value_name = "ID", allow_hyphen_values = true)]
    pub(crate) id: String,
}

/// Whether an id may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Allow,
    Deny,
}

/// A word is none of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use allow or deny")]
pub(crate) struct ParseWordError;

impl std::str::FromStr for Word {
    type Err = ParseWordError;

    fn from_str(word: &str) -> Result<Self, ParseWordError> {
        match word {
            "allow" => Ok(Self::Allow),
            "deny" => Ok(Self::Deny),
            _ => Err(ParseWordError),
        }
    }
}

const TEST_HELP: &str = "\
Examples:
  echo '{\"prompt\": \"mail ada@example.com\", \"token\": \"x\"}' | lastword privacy test
  lastword privacy test event.json --json
  lastword events --json --limit 1 | lastword privacy test

A JSON object is taken for the data of an event; one with a field `event` that names
a kind (GENERIC_EVENT, UNHANDLED_EXCEPTION) for a whole event. It goes the way of a
real event, with what `Privacy::new()` takes out; nothing is sent. What a program
takes out beyond that is not known here.

Exit codes: 0 shown, 1 it can't be read or is no JSON object, 2 wrong usage.";

/// Show what would leave of a JSON object, and what would be taken out of it, by which rule.
#[derive(Debug, Args)]
#[command(after_help = TEST_HELP)]
pub(crate) struct TestArgs {
    /// A file with one JSON object; without it, or with -, standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// One JSON object: what leaves, and what was taken out
    #[arg(long)]
    pub(crate) json: bool,
}
