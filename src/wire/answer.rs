//! What the answer to a request means.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::clock::Timestamp;
use crate::limits::RETRY_DELAY_MAX;

/// What a status says about the events that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The other side has them, whatever the body of its answer says.
    Delivered,
    /// It may work later. A redirect is one of these: nobody has taken the events, and following it would send them, and
    /// the key, to somebody that was not asked for; but a captive portal or a server that is being moved says nothing about
    /// the events, which must not be halved and dropped for it.
    Transient,
    /// They are too many bytes for one request.
    TooLarge,
    /// The other side does not know who sends them.
    Unauthorized,
    /// They are not acceptable, or this is not the place to send them to.
    Rejected,
}

impl Outcome {
    /// Says what a status means.
    ///
    /// ```
    /// use lastword::wire::Outcome;
    /// assert_eq!(Outcome::of_status(202), Outcome::Delivered);
    /// assert_eq!(Outcome::of_status(302), Outcome::Transient);
    /// assert_eq!(Outcome::of_status(429), Outcome::Transient);
    /// ```
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            // Somewhere else, time-out, conflict, too early, too many requests; and all that the other side says is its own fault.
            300..=399 | 408 | 409 | 425 | 429 | 500.. => Self::Transient,
            413 => Self::TooLarge,
            401 | 403 => Self::Unauthorized,
            _ => Self::Rejected,
        }
    }
}

/// Reads how long the other side asks to be left alone: `retry-after-ms`, or `retry-after` in seconds or as a date.
///
/// At most [`RETRY_DELAY_MAX`]; `None` where neither header says anything that can be used, or the time has passed.
///
/// ```
/// use std::time::Duration;
/// use lastword::clock::Timestamp;
/// use lastword::wire::retry_after;
///
/// let now = Timestamp::from_unix_nanos(0);
/// assert_eq!(retry_after(None, Some("2"), now), Some(Duration::from_secs(2)));
/// assert_eq!(retry_after(Some("250"), Some("2"), now), Some(Duration::from_millis(250)));
/// assert_eq!(retry_after(None, Some("3600"), now), Some(Duration::from_secs(60)));
/// assert_eq!(retry_after(None, Some("Thu, 01 Jan 1970 00:00:05 GMT"), now), Some(Duration::from_secs(5)));
/// assert_eq!(retry_after(None, Some("soon"), now), None);
/// ```
#[must_use]
pub fn retry_after(millis: Option<&str>, seconds_or_date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let millis = millis.and_then(|text| positive(text, 1e-3));
    let wait = millis.or_else(|| {
        let text = seconds_or_date?;
        positive(text, 1.0).or_else(|| until(text, now))
    });
    wait.map(|wait| wait.min(RETRY_DELAY_MAX))
}

/// Reads a number above zero; what is no number, or would make no wait, is `None`.
fn positive(text: &str, seconds_each: f64) -> Option<Duration> {
    let seconds = text.trim().parse::<f64>().ok()? * seconds_each;
    // NaN is not above zero either.
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds.min(RETRY_DELAY_MAX.as_secs_f64())))
}

fn until(date: &str, now: Timestamp) -> Option<Duration> {
    let then = httpdate::parse_http_date(date.trim()).ok()?;
    let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(now.unix_nanos()))?;
    then.duration_since(now).ok().filter(|wait| !wait.is_zero())
}

/// Reads which events of a request were refused for good, by their places in it (from 0), in rising order.
///
/// Our own collector stores the neighbours of a bad event and names the bad one in its answer:
/// `{"status":"accepted","refused":[{"index":3,"reason":".."}]}`. An answer that says nothing of the kind, that can't be
/// read, or that names a place which the request does not have, refuses nothing: the status alone has spoken.
///
/// ```
/// use lastword::wire::refused;
/// assert_eq!(refused(br#"{"status":"accepted","refused":[{"index":1,"reason":"no name"}]}"#, 2), [1]);
/// assert!(refused(b"<html>", 2).is_empty());
/// ```
#[must_use]
pub fn refused(body: &[u8], events: usize) -> Vec<usize> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        refused: Vec<Refused>,
    }
    #[derive(Deserialize)]
    struct Refused {
        index: usize,
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return Vec::new();
    };
    let mut places: Vec<usize> = answer.refused.into_iter().map(|refused| refused.index).collect();
    places.sort_unstable();
    places.dedup();
    if places.last().is_some_and(|&last| last >= events) {
        return Vec::new();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_the_outcome_that_the_protocol_gives_it() {
        let all = |outcome, statuses: &[u16]| {
            for &status in statuses {
                assert_eq!(Outcome::of_status(status), outcome, "{status}");
            }
        };
        all(Outcome::Delivered, &[200, 201, 202, 204, 206, 299]);
        all(
            Outcome::Transient,
            &[300, 301, 302, 303, 304, 307, 308, 399, 408, 409, 425, 429, 500, 501, 502, 503, 504, 520, 599, 999],
        );
        all(Outcome::TooLarge, &[413]);
        all(Outcome::Unauthorized, &[401, 403]);
        all(Outcome::Rejected, &[400, 402, 404, 405, 410, 415, 422, 431]);
    }

    #[test]
    fn a_wait_that_makes_no_sense_is_not_taken() {
        let now = Timestamp::from_unix_nanos(1_000_000_000_000);
        for text in ["", "-1", "0", "NaN", "-inf", "1s", "0x10", "Thu, 01 Jan 1970 00:00:05 GMT"] {
            assert_eq!(retry_after(None, Some(text), now), None, "{text}");
        }
        assert_eq!(retry_after(Some("later"), Some("3"), now), Some(Duration::from_secs(3)));
    }

    #[test]
    fn no_wait_is_longer_than_the_bound() {
        let now = Timestamp::from_unix_nanos(0);
        for text in ["61", "1e300", "inf", "99999999999999999999", "Fri, 01 Jan 2100 00:00:00 GMT"] {
            assert_eq!(retry_after(None, Some(text), now), Some(RETRY_DELAY_MAX), "{text}");
        }
    }

    #[test]
    fn a_date_counts_from_now() {
        let now = Timestamp::from_unix_nanos(784_111_775_500_000_000);
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(retry_after(None, date, now), Some(Duration::from_millis(1_500)));
    }

    #[test]
    fn places_that_the_request_does_not_have_refuse_nothing() {
        let body = br#"{"refused":[{"index":2},{"index":0},{"index":2}]}"#;
        assert_eq!(refused(body, 3), [0, 2]);
        assert!(refused(body, 2).is_empty());
        assert!(refused(br#"{"refused":null}"#, 3).is_empty());
        assert!(refused(br#"{"refused":[{"index":-1}]}"#, 3).is_empty());
        assert!(refused(br#"{"status":"ok"}"#, 3).is_empty());
        assert!(refused(b"", 3).is_empty());
    }
}
