//! The processes of the demo: each is this very program, in another part.

use std::env;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use clap::ValueEnum;
use tokio::process::Command;
use tokio::time::timeout;

use crate::error::Error;
use crate::flags::demo::Part;
use crate::limits::DEMO_CLIENT_TIMEOUT;

/// Where the programs of a demo report to, and who they are.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    /// The collector.
    pub(super) url: String,
    /// What the names of its sessions end with: a process id comes round again, and a directory that is kept may hold other demos.
    pub(super) mark: String,
    /// Where the programs may keep files.
    pub(super) directory: PathBuf,
}

impl Stage {
    /// Returns the session that a program reports as.
    pub(super) fn session(&self, name: &str) -> String {
        format!("{name}-{}", self.mark)
    }

    /// Runs a program to its end and returns what it wrote. What it tells a person goes to our standard error.
    pub(super) async fn run(&self, part: Part, name: &str) -> Result<Output, Error> {
        let program = env::current_exe().map_err(Error::Demo)?;
        let part = part.to_possible_value();
        let part = part.as_ref().map_or("sdk", |part| part.get_name());
        let client = Command::new(program)
            .args(["demo-client", "--url", &self.url, "--session", &self.session(name), "--part", part, "--directory"])
            .arg(&self.directory)
            // The demo shows that it works, whatever is said to other programs: it reports to itself alone.
            .env("LASTWORD_SETTINGS", self.directory.join("no-settings.json"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::Demo)?;
        let ended = timeout(DEMO_CLIENT_TIMEOUT, client.wait_with_output()).await;
        ended.map_err(|_| Error::DemoClient("it did not end".into()))?.map_err(Error::Demo)
    }

    /// Runs a program that must end well.
    pub(super) async fn run_well(&self, part: Part, name: &str) -> Result<Vec<u8>, Error> {
        let output = self.run(part, name).await?;
        if output.status.success() { Ok(output.stdout) } else { Err(Error::DemoClient(output.status.to_string())) }
    }
}
