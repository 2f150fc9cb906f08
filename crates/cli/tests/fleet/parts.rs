//! The processes of a fleet, each behind ways of its own to what it speaks with, and started again whenever it ends.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::cluster::free_port;
use crate::common::{Running, lastword, try_ask};

/// A process of the fleet, as somebody's supervisor keeps it.
pub(crate) struct Part {
    pub(crate) address: String,
    roles: &'static str,
    data: PathBuf,
    stream: String,
    running: Option<Running>,
    /// Whether it is to be away.
    is_away: bool,
}

impl Part {
    pub(crate) fn new(roles: &'static str, data: PathBuf, stream: String) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        Self { address, roles, data, stream, running: None, is_away: false }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.is_away = true;
        self.running = None;
    }

    /// Asks it to end; it takes the time that it takes.
    pub(crate) fn end(&mut self) {
        self.is_away = true;
        if let Some(running) = &mut self.running {
            running.signal("TERM");
        }
    }

    /// Lets it be there again.
    pub(crate) const fn come_back(&mut self) {
        self.is_away = false;
    }

    /// Starts it if it ended and is to be there. One that can't reach its stream for long ends by itself.
    pub(crate) fn tend(&mut self) {
        if self.running.as_mut().is_some_and(|running| running.child().try_wait().unwrap().is_some()) {
            self.running = None;
        }
        if self.running.is_none() && !self.is_away {
            let flags =
                ["--listen", &self.address, "--grpc-listen", "off", "--role", self.roles, "--stream", &self.stream];
            let log = File::options().create(true).append(true).open(self.log()).unwrap();
            let mut command = lastword();
            command.arg("serve").args(flags).arg("--data").arg(&self.data);
            self.running = Some(Running::start(command.stdout(Stdio::null()).stderr(log)));
        }
    }

    /// Whether it is there, and what it needs is.
    pub(crate) fn is_well(&self) -> bool {
        try_ask(&self.address, "GET /api/health HTTP/1.1", "").is_ok_and(|(status, _)| status == 200)
    }

    /// Where its log is.
    pub(crate) fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
