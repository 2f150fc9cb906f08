//! `lastword completions` and `lastword man`: made of the very flags that are read.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::error::Error;
use crate::flags::Cli;
use crate::flags::shell::{CompletionsArgs, ManArgs};
use crate::output::Output;

/// Prints the completions for a shell.
///
/// # Errors
///
/// The output can't be written.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), Error> {
    let mut script = Vec::new();
    // Into memory first: whoever writes these takes a reader that goes away for a reason to panic.
    clap_complete::generate(args.shell, &mut Cli::command(), "lastword", &mut script);
    print(&script)
}

fn print(text: &[u8]) -> Result<(), Error> {
    let mut output = Output::stdout();
    output.bytes(text)?;
    output.flush()
}

/// Prints the man page, or writes that of each command.
///
/// # Errors
///
/// The output or a file can't be written.
pub(crate) fn man(args: &ManArgs) -> Result<(), Error> {
    let mut command = Cli::command();
    // So that each page knows its whole name.
    command.build();
    match &args.out {
        None => print(&page(&command)?),
        Some(directory) => {
            let unwritable = |source| Error::File { path: directory.clone(), source };
            fs::create_dir_all(directory).map_err(unwritable)?;
            write_pages(&command, directory)
        }
    }
}

/// Writes the page of a command and those of the commands in it.
fn write_pages(command: &Command, directory: &Path) -> Result<(), Error> {
    let path: PathBuf = directory.join(Man::new(command.clone()).get_filename());
    fs::write(&path, page(command)?).map_err(|source| Error::File { path, source })?;
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help");
    shown.into_iter().try_for_each(|command| write_pages(command, directory))
}

fn page(command: &Command) -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}
