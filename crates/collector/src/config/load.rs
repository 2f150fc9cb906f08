//! The configuration in force: defaults, over them the file, over it the environment, over it the flags.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use toml::de::DeTable;
use toml::{Table, Value};

use super::keys::{KEYS, Key, Kind, find, nearest, nearest_section};
use super::settings::Settings;
use super::targets;
use crate::limits::CONFIG_BYTES_MAX;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// It stood in the data directory.
    Found,
    /// A line of the file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// A variable of the environment, by its name.
    Variable(String),
    /// A flag, with its dashes.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Found => f.write_str("found in the data directory"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// What a flag or a variable says of a key.
#[derive(Debug, Clone)]
pub struct Said {
    /// The key's place.
    pub path: &'static str,
    /// The value as it was given.
    pub text: String,
    /// Who says so.
    pub origin: Origin,
}

/// A configuration that can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file can't be read.
    #[error("the configuration {} can't be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no TOML, or a value in it is none that the key takes.
    #[error("the configuration {} is wrong: {message}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        message: String,
    },
    /// It has keys that don't exist.
    #[error("the configuration {} has unknown keys: {}", path.display(), .unknown.join("; "))]
    Unknown {
        /// The file.
        path: PathBuf,
        /// Each of them with its line and the known key that is nearest.
        unknown: Vec<String>,
    },
    /// A flag or a variable has a value that the key doesn't take.
    #[error("{origin} can't be `{text}`: {message}")]
    Value {
        /// The flag or the variable.
        origin: Origin,
        /// What it says.
        text: String,
        /// What would be right.
        message: String,
    },
}

/// The configuration in force, and who said what of it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The file that was read, if one was.
    pub file: Option<PathBuf>,
    origins: BTreeMap<&'static str, Origin>,
}

impl Loaded {
    /// Reads the file, if there is one to read, and what else was said.
    ///
    /// # Errors
    ///
    /// The file can't be read or is wrong, or a value can't be taken. Unknown keys are named, each with its line.
    pub fn load(file: Option<&Path>, said: &[Said]) -> Result<Self, ConfigError> {
        let mut origins = BTreeMap::new();
        let mut table = match file {
            Some(path) => read(path, &mut origins)?,
            None => Table::new(),
        };
        let mut settings = Settings::default();
        if let Some(path) = file {
            let wrong = |error: toml::de::Error| wrong(path, "", &error);
            settings = table.clone().try_into().map_err(wrong)?;
        }
        // One at a time, so that it is known whose value it is that can't be taken.
        for Said { path, text, origin } in said {
            let refuse = |message: String| ConfigError::Value { origin: origin.clone(), text: text.clone(), message };
            let Some(key) = find(path) else { continue };
            set(&mut table, path, value(key, text).map_err(&refuse)?);
            let taken = table.clone().try_into();
            settings = taken.map_err(|error: toml::de::Error| refuse(in_words(error.message())))?;
            origins.insert(*path, origin.clone());
        }
        Ok(Self { settings, file: file.map(Path::to_owned), origins })
    }

    /// Returns who said what is in force of a key.
    #[must_use]
    pub fn origin(&self, path: &str) -> Origin {
        self.origins.get(path).cloned().unwrap_or(Origin::Default)
    }

    /// Returns every key with its value, as the file would have it, and who said so; of the stream without who we are there. A key without a value has none.
    #[must_use]
    pub fn in_force(&self) -> Vec<(&'static Key, Option<String>, Origin)> {
        let table = Table::try_from(self.settings.without_logins()).unwrap_or_default();
        KEYS.iter().map(|key| (key, get(&table, key.path).map(Value::to_string), self.origin(key.path))).collect()
    }
}

/// Returns the value at a place.
pub(super) fn get<'t>(table: &'t Table, path: &str) -> Option<&'t Value> {
    let Some((section, rest)) = path.split_once('.') else { return table.get(path) };
    get(table.get(section)?.as_table()?, rest)
}

fn set(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                set(section, rest, value);
            }
        }
    }
}

/// Reads the value of a flag or a variable.
fn value(key: &Key, text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    match key.kind {
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::Number => trimmed.parse().map(Value::Integer).map_err(|_| "use a whole number".to_owned()),
        Kind::Switch => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(Value::Boolean(true)),
            "false" | "0" | "no" | "off" | "" => Ok(Value::Boolean(false)),
            _ => Err("use true or false".to_owned()),
        },
        Kind::List => {
            let parts = trimmed.split(',').map(str::trim).filter(|part| !part.is_empty());
            Ok(Value::Array(parts.map(|part| Value::String(part.to_owned())).collect()))
        }
        Kind::Toml => {
            let table: Table = format!("value = {trimmed}")
                .parse()
                .map_err(|error: toml::de::Error| format!("it is no value of TOML: {}", error.message()))?;
            table.get("value").cloned().ok_or_else(|| "it is no value of TOML".to_owned())
        }
    }
}

/// Reads a file, and notes on which line each key stands.
fn read(path: &Path, origins: &mut BTreeMap<&'static str, Origin>) -> Result<Table, ConfigError> {
    let unread = |source| ConfigError::Read { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(unread)?.len() > CONFIG_BYTES_MAX {
        return Err(unread(io::Error::other(format!("it has more than {CONFIG_BYTES_MAX} bytes"))));
    }
    let text = std::fs::read_to_string(path).map_err(unread)?;
    let document = DeTable::parse(&text).map_err(|error| wrong(path, &text, &error))?;
    let mut unknown = Vec::new();
    walk(document.get_ref(), "", &mut |place, at, is_table| {
        let line = text[..at].matches('\n').count() + 1;
        if let Some(key) = find(place) {
            origins.insert(key.path, Origin::File { path: path.to_owned(), line });
            return Step::Over;
        }
        if KEYS.iter().any(|key| key.path.strip_prefix(place).is_some_and(|rest| rest.starts_with('.'))) {
            return Step::Into;
        }
        let section = if is_table { nearest_section(place) } else { None };
        let known = section.map(|section| format!("[{section}]")).or_else(|| nearest(place).map(str::to_owned));
        let instead = known.map_or_else(String::new, |known| format!(", do you mean `{known}`?"));
        unknown.push(format!("line {line}: `{place}`{instead}"));
        Step::Over
    });
    if !unknown.is_empty() {
        return Err(ConfigError::Unknown { path: path.to_owned(), unknown });
    }
    if let Some((at, problem)) = targets::fault(document.get_ref()) {
        return Err(ConfigError::Wrong { path: path.to_owned(), message: at_place(&text, at.start, &problem) });
    }
    // Values are checked against the text, so that an error has its line.
    if let Err(error) = toml::from_str::<Settings>(&text) {
        return Err(wrong(path, &text, &error));
    }
    text.parse().map_err(|error| wrong(path, &text, &error))
}

/// Whether the keys within a key are looked at.
enum Step {
    Into,
    Over,
}

fn walk(table: &DeTable<'_>, above: &str, see: &mut impl FnMut(&str, usize, bool) -> Step) {
    for (name, value) in table {
        let place = if above.is_empty() { name.get_ref().to_string() } else { format!("{above}.{}", name.get_ref()) };
        let inner = value.get_ref().as_table();
        if let (Step::Into, Some(inner)) = (see(&place, name.span().start, inner.is_some()), inner) {
            walk(inner, &place, see);
        }
    }
}

fn wrong(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    ConfigError::Wrong { path: path.to_owned(), message: in_one_line(text, error) }
}

/// Says what is wrong in a file of TOML, and where, in one line: an error is a line of a log, and TOML's own has a drawing of five.
pub(crate) fn in_one_line(text: &str, error: &toml::de::Error) -> String {
    let message = in_words(error.message());
    error.span().map_or_else(|| message.clone(), |span| at_place(text, span.start, &message))
}

/// Says what is wrong at a place of a text.
fn at_place(text: &str, at: usize, message: &str) -> String {
    let before = &text[..text.floor_char_boundary(at)];
    let line = before.rsplit('\n').next().unwrap_or(before);
    let shown = text[before.len() - line.len()..].lines().next().unwrap_or_default().trim();
    let (line, column) = (before.matches('\n').count() + 1, line.chars().count() + 1);
    format!("line {line}, column {column}, `{shown}`: {message}")
}

/// Says what is wrong in the words of those who write files, and not of those who read them by a program, in one line.
fn in_words(message: &str) -> String {
    let message = message.replace('\n', ", ");
    let Some((what, expected)) = message.split_once(", expected ") else { return message };
    if let Some(word) = what.strip_prefix("unknown variant ") {
        return format!("{word} is not known here: use {expected}");
    }
    let right = match expected {
        "usize" | "u64" | "u32" | "u16" | "u8" => "a whole number, 0 or more",
        "i64" | "i32" => "a whole number",
        "f64" | "f32" => "a number",
        "a boolean" => "true or false",
        "a string" | "path string" => "a text in quotes",
        "a sequence" => "a list in brackets",
        "a map" => "a table",
        _ if expected.starts_with("struct ") => "a table",
        _ => return message,
    };
    let what = what.replace("invalid type: ", "").replace("invalid value: ", "");
    format!("{what} is not taken here: use {right}")
}
