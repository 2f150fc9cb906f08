//! The cases, by what they are about.

mod exceptions;
mod hostile;
mod metrics;
mod mixed;
mod paging;
mod people;
mod runs;
mod sessions;
mod spans;
mod twice;

use crate::fixture::Fixture;

/// A case: what it says, and what sends and asks.
pub type Case = (&'static str, fn(&mut Fixture));

/// Returns all cases.
pub fn cases() -> Vec<Case> {
    let parts: [&[Case]; 10] = [
        &twice::CASES,
        &sessions::CASES,
        &exceptions::CASES,
        &people::CASES,
        &spans::CASES,
        &runs::CASES,
        &metrics::CASES,
        &paging::CASES,
        &hostile::CASES,
        &mixed::CASES,
    ];
    parts.concat()
}
