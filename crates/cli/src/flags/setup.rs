//! The set-up of a collector: a flag and a variable for every key of its configuration, and the file itself.

use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};
use lastword_collector::config::{ConfigError, KEYS, Key, Kind, Loaded, Origin, Said};

use crate::error::Error;

/// The name of the configuration in a data directory.
const CONFIG_FILE: &str = "lastword.toml";
/// The name of the file of the keys in a data directory.
const KEYS_FILE: &str = "keys";

/// What the flags and the environment say, and where the file is.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    file: Option<PathBuf>,
    said: Vec<Said>,
}

/// A set-up as it is in force.
#[derive(Debug, Clone)]
pub(crate) struct InForce {
    /// The settings, and who said what.
    pub(crate) loaded: Loaded,
    /// The data directory.
    pub(crate) data: PathBuf,
}

impl Setup {
    /// A set-up of which only this much is said.
    pub(crate) fn of(file: Option<PathBuf>, data: Option<&Path>, keys: Option<&Path>) -> Self {
        let said = |path: &'static str, value: Option<&Path>| {
            let text = value?.to_string_lossy().into_owned();
            Some(Said { path, text, origin: Origin::Flag(format!("--{path}")) })
        };
        Self { file, said: said("data", data).into_iter().chain(said("keys", keys)).collect() }
    }

    /// Reads the file, if one is named or stands in the data directory. So do the keys.
    ///
    /// # Errors
    ///
    /// The file or a value can't be used, or the platform names no data directory.
    pub(crate) fn load(&self) -> Result<InForce, Error> {
        let named = self.said.iter().find(|said| said.path == "data").map(|said| PathBuf::from(&said.text));
        let near = named.or_else(default_directory).map(|data| data.join(CONFIG_FILE)).filter(|file| file.is_file());
        let file = self.file.clone().or(near);
        let mut loaded = Loaded::load(file.as_deref(), &self.said)?;
        let data = loaded.settings.data.clone().or_else(default_directory).ok_or(Error::NoStateDirectory)?;
        let keys = data.join(KEYS_FILE);
        if loaded.settings.keys.is_none() && keys.is_file() {
            let mut said = self.said.clone();
            let text = keys.to_string_lossy().into_owned();
            said.push(Said { path: "keys", text, origin: Origin::Found });
            loaded = Loaded::load(file.as_deref(), &said)?;
        }
        Ok(InForce { loaded, data })
    }
}

impl InForce {
    /// Returns where the keys are, or would be.
    pub(crate) fn keys(&self) -> PathBuf {
        self.loaded.settings.keys.clone().unwrap_or_else(|| self.data.join(KEYS_FILE))
    }
}

/// Returns where the platform keeps the state of programs, `lastword` in it.
fn default_directory() -> Option<PathBuf> {
    dirs::state_dir().or_else(dirs::data_local_dir).map(|directory| directory.join("lastword"))
}

impl Args for Setup {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .env("LASTWORD_CONFIG")
            .value_parser(value_parser!(PathBuf))
            .help("The configuration [default: lastword.toml in the data directory, if it is there]");
        KEYS.iter().fold(command.arg(file), |command, key| command.arg(flag(key)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Makes the flag of a key.
fn flag(key: &Key) -> Arg {
    let flag = Arg::new(key.path).long(key.flag()).value_name(key.value).env(key.variable()).help(key.about);
    let flag = match key.path.split_once('.') {
        Some((section, _)) => flag.help_heading(format!("[{section}]")),
        None => flag,
    };
    match key.kind {
        Kind::Switch => flag.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ => flag,
    }
}

impl FromArgMatches for Setup {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let said = |key: &'static Key| {
            let text = matches.get_one::<String>(key.path)?.clone();
            let origin = match matches.value_source(key.path)? {
                // A variable that is empty says nothing.
                ValueSource::EnvVariable if text.is_empty() => return None,
                ValueSource::EnvVariable => Origin::Variable(key.variable()),
                _ => Origin::Flag(format!("--{}", key.flag())),
            };
            Some(Said { path: key.path, text, origin })
        };
        let file = matches.get_one::<PathBuf>("config").filter(|file| !file.as_os_str().is_empty());
        Ok(Self { file: file.cloned(), said: KEYS.iter().filter_map(said).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}
