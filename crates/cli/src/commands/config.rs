//! `lastword config`: what is in force and who said it, and all there is to say.

use lastword_collector::config::example;

use crate::error::Error;
use crate::flags::serve::{ConfigArgs, ConfigCommand};
use crate::flags::setup::InForce;
use crate::output::{Output, text};

/// Does what is asked.
///
/// # Errors
///
/// The configuration can't be used, or the output not be written.
pub(crate) fn run(args: ConfigArgs) -> Result<(), Error> {
    match args.command {
        ConfigCommand::Show(args) => show(&args.setup.load()?),
        ConfigCommand::Example => {
            let mut output = Output::stdout();
            output.bytes(example().as_bytes())?;
            output.flush()
        }
    }
}

/// Prints the configuration in force as a file would have it, each key with who said it. No key of a client's is in it: keys
/// stand in a file of their own.
///
/// # Errors
///
/// The output can't be written.
pub(crate) fn show(in_force: &InForce) -> Result<(), Error> {
    let mut output = Output::stdout();
    let mut section = "";
    for (key, value, origin) in in_force.loaded.in_force() {
        let (own, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        if own != section {
            output.line(&format!("\n[{own}]"))?;
            section = own;
        }
        let line = match value {
            Some(value) => format!("{name} = {value}"),
            None if key.path == "data" => format!("{name} = {}", quoted(&in_force.data.display().to_string())),
            None => format!("#{name} ="),
        };
        output.line(&text::neutral(&format!("{line:40}  # {origin}")))?;
    }
    output.flush()
}

/// Writes a text as TOML does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
