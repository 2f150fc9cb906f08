//! Where the queue of a new session is: in a file of a spool, or in memory.

use std::path::PathBuf;

use super::keeping::Keeping;
use crate::clock::Clock;
use crate::queue::{Bounds, Durability, Ring};
use crate::sink::Session;
use crate::spool::{Label, Spool, Target, Trimmed};

/// What a session asks of a spool.
#[derive(Debug, Clone)]
pub(super) struct SpoolSettings {
    pub(super) directory: PathBuf,
    pub(super) durability: Durability,
    pub(super) bytes: u64,
    pub(super) age: std::time::Duration,
}

/// What a session asks for.
pub(super) struct Asked<'a> {
    pub(super) bounds: Bounds,
    pub(super) session: &'a Session,
    pub(super) sessionless: bool,
    pub(super) targets: Vec<Target>,
}

/// The queue of a new session.
pub(super) struct Opened {
    pub(super) ring: Ring,
    pub(super) keeping: Keeping,
    /// The spool, if there is one that can be used, though perhaps not for this queue.
    pub(super) spool: Option<Spool>,
    /// What had to go from the spool to make room.
    pub(super) trimmed: Trimmed,
}

/// Makes the queue of a session. Trouble with the spool is no reason not to start: the queue is then in memory.
pub(super) fn open(asked: &Asked<'_>, settings: Option<&SpoolSettings>, clock: &Clock) -> Opened {
    let in_memory = || Ring::new(&asked.bounds, asked.session.nonce);
    let Some(settings) = settings else {
        let keeping = Keeping::in_memory();
        return Opened { ring: in_memory(), keeping, spool: None, trimmed: Trimmed::default() };
    };
    let label = Label::of(asked.session, asked.sessionless, asked.targets.clone(), clock.now());
    let (mut opened, mut trimmed) = (None, Trimmed::default());
    let made = Spool::open(&settings.directory, settings.bytes, settings.age).and_then(|spool| {
        opened = Some(spool.clone());
        trimmed = spool.trim(Ring::file_bytes(&asked.bounds), clock.now())?;
        let ring = spool.create(&label, &asked.bounds, asked.session.nonce, settings.durability)?;
        if settings.durability == Durability::PowerLoss {
            spool.sync(&ring)?;
        }
        Ok(ring)
    });
    let (ring, trouble) = match made {
        Ok(ring) => (ring, None),
        Err(error) => (in_memory(), Some(error.to_string())),
    };
    let (level, trouble) = level(&ring, settings.durability, trouble);
    let keeping = Keeping::in_spool(settings.directory.clone(), settings.durability, level, trouble);
    Opened { ring, keeping, spool: opened, trimmed }
}

/// Returns what the events outlive, and why that is less than it might be, where it is.
fn level(ring: &Ring, asked: Durability, trouble: Option<String>) -> (Durability, Option<String>) {
    let level = ring.durability();
    if !level.outlives_process() {
        return (level, trouble);
    }
    if !ring.is_on_a_disk() {
        let trouble = "the spool is in memory (tmpfs), which a restart of the machine clears".to_owned();
        return (level, Some(trouble));
    }
    if level < asked && asked == Durability::ProcessDeath {
        let trouble =
            "the file system does not take a mapping: each event is written, in about a microsecond".to_owned();
        return (level, Some(trouble));
    }
    (if asked == Durability::PowerLoss { asked } else { level }, trouble)
}
