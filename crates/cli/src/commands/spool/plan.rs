//! What a flush has to do: which queues it delivers where, and which it leaves, and why.

use std::path::{Path, PathBuf};

use lastword::sink::{Destination, Sink, Tinker};
use lastword::spool::SpoolError;

use super::facts::{self, Facts, SinkFacts, State};
use crate::flags::key::ApiKey;
use crate::flags::spool::FlushArgs;

/// What a flush has to do.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Queues by the servers that they need. No queue and no server is in two of them.
    pub(super) groups: Vec<Group>,
    /// What has to be left.
    pub(super) left: Vec<Left>,
    pub(super) unreadable: u64,
    pub(super) other_version: u64,
    pub(super) in_use: u64,
}

/// Queues that are delivered together.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The servers, and whether the key is sent there. None: everything goes to the one that was named.
    pub(super) servers: Vec<(Destination, bool)>,
    pub(super) files: Vec<Facts>,
}

/// Events that are left for one sink.
#[derive(Debug, Clone)]
pub(super) struct Left {
    pub(super) file: PathBuf,
    pub(super) session: String,
    pub(super) events: u64,
    pub(super) place: String,
    pub(super) reason: Reason,
}

/// Why events are left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// They are meant for a key, and there is none.
    NoKey,
    /// They are meant for another key.
    OtherKey,
    /// The address was written down without the name and password that were in it.
    Password,
    /// The sink has no address: it is one of its program's own.
    OwnSink,
    /// The server does not take them: what it said last.
    Refused(String),
    /// It ended before they were delivered.
    Stopped,
}

/// What stands in an address for a name and a password.
const HIDDEN: &str = "***@";

impl Plan {
    /// Looks at a spool.
    ///
    /// # Errors
    ///
    /// It can't be used.
    pub(super) fn of(directory: &Path, args: &FlushArgs) -> Result<Self, SpoolError> {
        let mut plan = Self::default();
        let key = args.key();
        for file in facts::all(directory)? {
            match file.state {
                State::Unreadable => plan.unreadable += 1,
                State::OtherVersion => plan.other_version += 1,
                State::Unfinished => {}
                _ if args.session.as_deref().is_some_and(|session| !file.is_of(session)) => {}
                State::InUse => plan.in_use += 1,
                State::Ended | State::Crashed if args.to.is_some() => plan.add(Vec::new(), file),
                State::Ended | State::Crashed => plan.sort(file, key.as_ref()),
            }
        }
        Ok(plan)
    }

    /// Returns how many events are to be delivered, those among them that will say that a session was recovered.
    pub(super) fn events(&self) -> u64 {
        let said = |file: &Facts| if file.is_open() { 2 } else { 0 };
        self.files().map(|file| file.waiting() + said(file)).sum()
    }

    /// Goes through the queues that are to be delivered.
    pub(super) fn files(&self) -> impl Iterator<Item = &Facts> {
        self.groups.iter().flat_map(|group| &group.files)
    }

    /// Finds where a queue can be delivered, and what of it has to be left.
    fn sort(&mut self, file: Facts, key: Option<&ApiKey>) {
        // That a session was recovered is said to every sink.
        let wants = |sink: &SinkFacts| sink.waiting > 0 || file.is_open();
        let (mut servers, mut is_wanted) = (Vec::new(), file.waiting() == 0);
        for sink in file.queue.iter().flat_map(|queue| &queue.sinks) {
            match server(sink, key) {
                Ok(server) => {
                    servers.push(server);
                    is_wanted |= wants(sink);
                }
                Err(reason) if wants(sink) => self.left.push(Left::of(&file, sink, reason)),
                Err(_) => {}
            }
        }
        if is_wanted && !servers.is_empty() {
            self.add(servers, file);
        }
    }

    /// Adds a queue to the group that has one of its servers; groups that it connects become one.
    fn add(&mut self, servers: Vec<(Destination, bool)>, file: Facts) {
        let is_alike = |group: &Group| {
            servers.is_empty() || group.servers.iter().any(|(server, _)| servers.iter().any(|(own, _)| own == server))
        };
        let (alike, apart) = std::mem::take(&mut self.groups).into_iter().partition::<Vec<_>, _>(is_alike);
        self.groups = apart;
        let mut group = alike.into_iter().fold(Group::default(), Group::and);
        group = group.and(Group { servers, files: vec![file] });
        self.groups.push(group);
    }
}

impl Group {
    /// Returns the sinks of one of its queues that are not done and that it can deliver to.
    pub(super) fn wanted<'a>(&'a self, file: &'a Facts) -> impl Iterator<Item = &'a SinkFacts> {
        let is_done = |sink: &SinkFacts| sink.waiting == 0 && file.waiting() > 0;
        let is_ours = |sink: &SinkFacts| {
            self.servers.is_empty() || self.servers.iter().any(|(server, _)| sink.destination.as_ref() == Some(server))
        };
        file.queue.iter().flat_map(|queue| &queue.sinks).filter(move |sink| is_ours(sink) && !is_done(sink))
    }

    /// Puts two groups together.
    fn and(mut self, other: Self) -> Self {
        for server in other.servers {
            if !self.servers.contains(&server) {
                self.servers.push(server);
            }
        }
        self.files.extend(other.files);
        self
    }
}

impl Left {
    pub(super) fn of(file: &Facts, sink: &SinkFacts, reason: Reason) -> Self {
        let session = file.queue.as_ref().map_or_else(String::new, |queue| queue.session_id.clone());
        let place = sink.place().to_owned();
        Self { file: file.file.clone(), session, events: sink.waiting, place, reason }
    }
}

impl Reason {
    /// Says it, and what would help.
    pub(super) fn said(&self) -> String {
        let elsewhere = "send them to another server with --to URL";
        match self {
            Self::NoKey => format!("they are meant for a key: give it in LASTWORD_API_KEY, or {elsewhere}"),
            Self::OtherKey => {
                format!("they are meant for another key: give that one in LASTWORD_API_KEY, or {elsewhere}")
            }
            Self::Password => {
                "the address had a name or a password in it, which are not kept: give it whole with --to URL".to_owned()
            }
            Self::OwnSink => format!("the sink is their program's own and has no address: {elsewhere}"),
            Self::Refused(reason) => reason.clone(),
            Self::Stopped => "it was stopped before: flush again".to_owned(),
        }
    }
}

/// Finds the server of a sink, and whether our key goes there: the one that its events are meant for, or none where they
/// are meant for none.
fn server(sink: &SinkFacts, key: Option<&ApiKey>) -> Result<(Destination, bool), Reason> {
    let meant = sink.destination.as_ref().ok_or(Reason::OwnSink)?;
    let is_it = |key| Sink::policy(&sink_to(meant.address(), key)).destination.as_ref() == Some(meant);
    if meant.address().contains(HIDDEN) {
        return Err(Reason::Password);
    }
    match key {
        _ if is_it(None) => Ok((meant.clone(), false)),
        Some(_) if is_it(key) => Ok((meant.clone(), true)),
        Some(_) => Err(Reason::OtherKey),
        None => Err(Reason::NoKey),
    }
}

/// Makes the sink that delivers to an address, with a key if one is given.
pub(super) fn sink_to(address: &str, key: Option<&ApiKey>) -> Tinker {
    let sink = Tinker::new(address);
    match key {
        Some(key) => sink.api_key(key.secret()),
        None => sink,
    }
}
