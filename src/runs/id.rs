//! Ids of runs: `run_`, the time in base 36, and 24 random bits.

use crate::clock::{Timestamp, random_u64};
use crate::limits::RUN_ID_BYTES_MAX;

/// What every id begins with.
const PREFIX: &str = "run_";

/// Makes an id for a run that begins now.
pub(super) fn new(now: Timestamp) -> String {
    format!("{PREFIX}{}_{:06x}", base36(now.unix_millis()), random_u64() & 0xff_ffff)
}

/// Returns whether it can be the id of a run, whoever has made it: one plain name, which leads nowhere else.
pub(super) fn is_valid(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let rest = id.strip_prefix(PREFIX).unwrap_or_default();
    !rest.is_empty() && id.len() <= RUN_ID_BYTES_MAX && rest.bytes().all(is_plain)
}

/// Returns when the run began, in milliseconds since 1970, as its id says it; `None` for an id of another form.
pub(super) fn began_ms(id: &str) -> Option<u64> {
    let (time, _) = id.strip_prefix(PREFIX)?.split_once('_')?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    (!time.is_empty() && time.bytes().all(is_digit)).then(|| u64::from_str_radix(time, 36).ok())?
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(b"0123456789abcdefghijklmnopqrstuvwxyz"[usize::try_from(number % 36).unwrap_or_default()]);
        number /= 36;
        if number == 0 {
            digits.reverse();
            return digits.into_iter().map(char::from).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_when_the_run_began() {
        let id = new(Timestamp::from_unix_nanos(1_700_000_000_123_000_000));
        assert!(id.starts_with("run_loyw3v5n_") && id.len() == "run_loyw3v5n_".len() + 6, "{id}");
        assert_eq!(began_ms(&id), Some(1_700_000_000_123));
        assert!(is_valid(&id));
        assert_ne!(id, new(Timestamp::from_unix_nanos(1_700_000_000_123_000_000)));
        assert_eq!(base36(0), "0");
        assert_eq!(base36(u64::MAX), "3w5e11264sgsf");
    }

    #[test]
    fn no_id_leads_anywhere_else() {
        for id in
            ["", "run_", "run_/x", "run_..", "run_a b", "x_run_1", "run_\u{e9}", "run_a\n", &format!("run_{:200}", 1)]
        {
            assert!(!is_valid(id), "{id:?}");
        }
        for (id, began) in [("run_x", None), ("run_ZZ_1", None), ("run__1", None), ("run_10_1", Some(36))] {
            assert!(is_valid(id), "{id}");
            assert_eq!(began_ms(id), began, "{id}");
        }
    }
}
