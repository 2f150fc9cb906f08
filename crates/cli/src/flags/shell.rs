//! `lastword completions` and `lastword man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

const COMPLETIONS_HELP: &str = "\
Examples:
  lastword completions bash > ~/.local/share/bash-completion/completions/lastword
  lastword completions zsh > ~/.zfunc/_lastword         with ~/.zfunc in $fpath
  lastword completions fish > ~/.config/fish/completions/lastword.fish
  source <(lastword completions bash)                   for this shell alone";

/// Print what a shell needs to complete commands and options.
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_HELP)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

const MAN_HELP: &str = "\
Examples:
  lastword man | man -l -                        read it
  lastword man --out ~/.local/share/man/man1     a page for each command: `man lastword-top`";

/// Print the man page, or write one for each command.
#[derive(Debug, Args)]
#[command(after_help = MAN_HELP)]
pub(crate) struct ManArgs {
    /// Write a page for each command into this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
