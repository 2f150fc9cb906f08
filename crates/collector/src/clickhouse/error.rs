//! What may be wrong with a server, and what that is to those who asked.

use crate::limits::CLICKHOUSE_MESSAGE_CHARS;
use crate::query::QueryError;
use crate::store::WriteError;

/// `TIMEOUT_EXCEEDED`, `TOO_SLOW`, `QUERY_WAS_CANCELLED`.
const TOO_LONG: [u32; 3] = [159, 160, 394];
/// `REQUIRED_PASSWORD`, `AUTHENTICATION_FAILED`.
pub(super) const WRONG_PASSWORD: [u32; 2] = [194, 516];
/// Where a password is looked for, by every command alike.
const RIGHT_PASSWORD: &str = "the password is in the URL, else in the file that LASTWORD_CLICKHOUSE_PASSWORD_FILE names (a collector's \
                              `clickhouse.password_file`), else in LASTWORD_CLICKHOUSE_PASSWORD";
/// `MEMORY_LIMIT_EXCEEDED`.
const NO_MEMORY: u32 = 241;
/// `NOT_ENOUGH_SPACE`.
const NOT_ENOUGH_SPACE: u32 = 243;
/// What passes by itself, or once other servers are back: `TOO_MANY_SIMULTANEOUS_QUERIES`, `SOCKET_TIMEOUT`, `NETWORK_ERROR`,
/// `TABLE_IS_READ_ONLY`, `NO_ZOOKEEPER`, `ALL_CONNECTION_TRIES_FAILED`, `TOO_FEW_LIVE_REPLICAS`, `UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE`,
/// `UNKNOWN_STATUS_OF_INSERT`, `ALL_REPLICAS_ARE_STALE`, `KEEPER_EXCEPTION`.
const AWAY: [u32; 11] = [202, 209, 210, 242, 225, 279, 285, 286, 319, 369, 999];
/// Behind which what a server says goes on with the statement, which has what others sent in it.
const STATEMENTS: [&str; 2] = [" In scope ", ": while executing "];

/// A server did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// It can't be reached, or not all of those can that it needs.
    #[error("ClickHouse is away: {0}")]
    Away(String),
    /// It stopped, because it took longer than it may.
    #[error("ClickHouse took too long")]
    TooLong,
    /// It has no room.
    #[error("the disk of ClickHouse is full: {0}")]
    Full(String),
    /// It says that it can't.
    #[error("ClickHouse refused (code {code}): {message}")]
    Refused {
        /// Its code for it; 0 where it gave none.
        code: u32,
        /// The first line of what it said.
        message: String,
    },
    /// It has no tables of ours.
    #[error("there is no store at {at}: `lastword serve --store` makes one")]
    NoStore {
        /// Where.
        at: String,
    },
    /// Its tables were made by a newer version of this program.
    #[error("the store has format {found}, this program knows formats up to {known}: use a newer one")]
    TooNew {
        /// The format that was found.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// Its tables were made by an older version of this program, and who only reads changes nothing.
    #[error(
        "`{table}` of the store at {at} has no `{column}`, as an older version left it: `lastword serve --store` of this one brings it up to date, \
         started once"
    )]
    TooOld {
        /// Where the store is.
        at: String,
        /// A table.
        table: &'static str,
        /// What it does not have.
        column: &'static str,
    },
    /// Another process that is there has the identity of this one.
    #[error(
        "another process is known to the store as this one and is writing: a data directory was copied with its file `writer`; \
         stop one of the two, remove its {file}, and start it again"
    )]
    Twin {
        /// The file with the identity.
        file: String,
    },
    /// It answered something that can't be read.
    #[error("ClickHouse gave an answer that can't be read: {0}")]
    Garbled(String),
}

impl Error {
    /// Whether what was asked was more than may be: something smaller may go.
    pub(crate) fn is_too_much(&self) -> bool {
        matches!(self, Self::TooLong | Self::Refused { code: NO_MEMORY, .. })
    }

    /// What an answer means that is no success.
    pub(super) fn of_answer(shown: &str, status: u16, code: Option<u32>, said: &str) -> Self {
        let message = first_line(said);
        match code {
            Some(code) if TOO_LONG.contains(&code) => Self::TooLong,
            Some(code) if code == NOT_ENOUGH_SPACE || said.contains("No space left on device") => Self::Full(message),
            Some(code) if AWAY.contains(&code) => Self::Away(format!("{shown}: {message}")),
            None if status >= 500 => Self::Away(format!("{shown} answered {status}: {message}")),
            Some(code) if WRONG_PASSWORD.contains(&code) => {
                Self::Refused { code, message: format!("{message}: {RIGHT_PASSWORD}") }
            }
            None => {
                let why = if message.is_empty() { format!("HTTP status {status}") } else { message };
                Self::Refused {
                    code: 0,
                    message: format!("what answers at {shown} is no ClickHouse (its HTTP is on port 8123): {why}"),
                }
            }
            Some(code) => Self::Refused { code, message },
        }
    }
}

/// The first line of what a server says, and no more of it than tells what is wrong.
pub(super) fn first_line(said: &str) -> String {
    let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line = STATEMENTS.iter().fold(line, |line, begin| line.split(*begin).next().unwrap_or_default());
    line.chars().take(CLICKHOUSE_MESSAGE_CHARS).collect()
}

impl From<Error> for QueryError {
    fn from(error: Error) -> Self {
        match error {
            Error::TooLong => Self::TooLong,
            Error::Away(why) => Self::Away(why),
            Error::Full(_)
            | Error::Refused { .. }
            | Error::NoStore { .. }
            | Error::TooNew { .. }
            | Error::TooOld { .. }
            | Error::Twin { .. }
            | Error::Garbled(_) => Self::Refused(error.to_string()),
        }
    }
}

impl From<Error> for WriteError {
    /// None of them is the request's own fault: whoever sent it comes back with it. Clients are told what is wrong, and not what the server said:
    /// that may have in it what others sent.
    fn from(error: Error) -> Self {
        match error {
            Error::Full(_) => Self::DiskFull,
            Error::Away(_) => Self::Failed("ClickHouse is away".to_owned()),
            Error::Refused { code, .. } => Self::Failed(format!("ClickHouse refused it (code {code})")),
            Error::TooLong
            | Error::NoStore { .. }
            | Error::TooNew { .. }
            | Error::TooOld { .. }
            | Error::Twin { .. }
            | Error::Garbled(_) => Self::Failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn what_a_server_says_is_told_by_its_code() {
        let of = |code, said| Error::of_answer("http://h:1", 500, code, said);
        assert_eq!(of(Some(159), "Code: 159. DB::Exception: Timeout exceeded"), Error::TooLong);
        assert!(matches!(of(Some(243), "Code: 243. x"), Error::Full(_)));
        assert!(matches!(of(Some(1001), "write: errno: 28, strerror: No space left on device"), Error::Full(_)));
        assert!(matches!(of(Some(210), "Code: 210. x"), Error::Away(_)));
        assert!(matches!(of(None, "bad gateway"), Error::Away(_)));
        assert!(matches!(of(Some(60), "Code: 60. x"), Error::Refused { code: 60, .. }));
        assert!(matches!(Error::of_answer("h", 404, None, ""), Error::Refused { code: 0, .. }));
        assert!([159, 241].into_iter().all(|code| of(Some(code), "x").is_too_much()));
        assert!(![60, 210, 243].into_iter().any(|code| of(Some(code), "x").is_too_much()));
    }

    #[test]
    fn only_the_first_line_is_told_and_no_more_than_a_part_of_it() {
        let said = format!("\n{}\nsecond", "é".repeat(5000));
        let Error::Refused { message, .. } = Error::of_answer("h", 400, Some(62), &said) else { panic!() };
        assert_eq!(message.chars().count(), crate::limits::CLICKHOUSE_MESSAGE_CHARS);
        assert!(!message.contains("second"));
    }
}
