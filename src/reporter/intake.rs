//! Which events of the program are reported at all, by their names.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::report::DropReason;
use crate::event::names;
use crate::limits::ALLOW_FILE_BYTES_MAX;
use crate::privacy::{AllowList, Sampler, Share};
use crate::sink::SettingError;
use crate::sync::say;

/// Names that are reported, separated by commas.
const ALLOW_VARIABLE: &str = "LASTWORD_ALLOW";
/// A file of names that are reported.
const ALLOW_FILE_VARIABLE: &str = "LASTWORD_ALLOW_FILE";

/// What decides by the name of an event.
#[derive(Debug)]
pub(super) struct Intake {
    allow: Option<AllowList>,
    sampler: Option<Sampler>,
}

impl Intake {
    /// Makes what the program and the environment ask for; `None` where all events are reported.
    ///
    /// # Errors
    ///
    /// A share is none.
    pub(super) fn new(
        allow: Option<AllowList>,
        shares: Vec<(String, f64)>,
        seed: u64,
    ) -> Result<Option<Box<Self>>, SettingError> {
        if let Some((name, share)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            let reason = format!("`{name}` is to be sampled at {share}: a share is from 0 (none) to 1 (all)");
            return Err(SettingError::new("sample", reason));
        }
        let allow = match (allow, asked_by_environment()) {
            (Some(own), Some(more)) => Some(own.and(&more)),
            (own, more) => own.or(more),
        };
        let sampler = (!shares.is_empty()).then(|| Sampler::new(shares, seed));
        let says_something = allow.is_some() || sampler.is_some();
        Ok(says_something.then(|| Box::new(Self { allow, sampler })))
    }

    /// Returns whether an event of this name is reported, and which share of them it is one of, where that is not all.
    pub(super) fn pass(&self, name: &str) -> Result<Option<f64>, DropReason> {
        if self.allow.as_ref().is_some_and(|allow| !allow.has(name)) {
            return Err(DropReason::NotAllowed);
        }
        passed(self.sampler.as_ref().map_or(Share::All, |sampler| sampler.share(name)))
    }

    /// Returns whether a trace that lies there among all traces is reported. What is not allowed is found out event by event.
    pub(super) fn samples(&self, place: f64) -> bool {
        self.sampler.as_ref().is_none_or(|sampler| sampler.share_at(names::SPAN_END, || place) != Share::None)
    }

    /// [`Self::pass`] for an event of a trace that lies there among all traces. One that another process takes part in, and has
    /// decided about, lies nowhere: it is left out only where no event of the name is reported.
    pub(super) fn pass_of_trace(&self, name: &str, place: Option<f64>) -> Result<Option<f64>, DropReason> {
        if self.allow.as_ref().is_some_and(|allow| !allow.has(name)) {
            return Err(DropReason::NotAllowed);
        }
        let share = |sampler: &Sampler| sampler.share_at(name, || place.unwrap_or(0.0));
        let share = passed(self.sampler.as_ref().map_or(Share::All, share))?;
        Ok(share.filter(|_| place.is_some()))
    }
}

const fn passed(share: Share) -> Result<Option<f64>, DropReason> {
    match share {
        Share::All => Ok(None),
        Share::Of(share) => Ok(Some(share)),
        Share::None => Err(DropReason::SampledOut),
    }
}

/// Returns the names that the environment allows. A file that can't be read allows none: whoever named it did not mean all.
fn asked_by_environment() -> Option<AllowList> {
    let of = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
    let named = of(ALLOW_VARIABLE).map(|names| AllowList::parse(&names.to_string_lossy().replace(',', "\n")));
    let listed = of(ALLOW_FILE_VARIABLE).map(|path| {
        let path = Path::new(&path);
        match read(path) {
            Ok(text) => AllowList::parse(&text),
            Err(error) => {
                say(|| {
                    tracing::warn!(
                        target: "lastword",
                        path = %path.display(),
                        %error,
                        "the file that {ALLOW_FILE_VARIABLE} names can't be read: no event is reported because of it"
                    );
                });
                AllowList::new([""; 0])
            }
        }
    });
    match (named, listed) {
        (Some(named), Some(listed)) => Some(named.and(&listed)),
        (named, listed) => named.or(listed),
    }
}

fn read(path: &Path) -> io::Result<String> {
    // A pipe would hold the start for as long as nobody writes to it.
    let meta = std::fs::metadata(path)?;
    if !meta.is_file() || meta.len() > ALLOW_FILE_BYTES_MAX {
        let what = format!("it is no file of at most {ALLOW_FILE_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let mut text = String::new();
    File::open(path)?.take(ALLOW_FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}
