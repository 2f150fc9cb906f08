//! What to do where a server does not do what it is asked: what is wrong with a password is not mended by a start.

use super::super::error::WRONG_PASSWORD;
use super::super::schema::{ACCESS_DENIED, UNKNOWN_COLUMN, UNKNOWN_TABLE};
use super::super::{Error, Location, LocationError, Unopened};
use super::OF_TABLES;

/// What to do about an error of a server, whatever it was asked.
pub(super) fn about(error: &Error, place: &Location) -> String {
    let user = place.user();
    match error {
        Error::Away(_) => "start it, or see to the address in `store`: that of HTTP, by default 8123 of `clickhouse://` \
                           and 8443 of `clickhouses://`"
            .to_owned(),
        Error::TooLong => "see to the load of the server, and ask again".to_owned(),
        Error::Full(_) => "make room on its disks: nothing is stored until then".to_owned(),
        Error::Refused { code: 0, .. } => "see to host and port in `store`".to_owned(),
        Error::Refused { code, .. } if WRONG_PASSWORD.contains(code) => {
            format!("give the password of `{user}`, or name in `store` whom the password is of: `clickhouse://USER@…`")
        }
        Error::Refused { code: ACCESS_DENIED, .. } => {
            format!("let it: `GRANT {} ON {}.* TO {user}`", OF_TABLES.join(", "), place.database())
        }
        Error::Refused { code: UNKNOWN_TABLE | UNKNOWN_COLUMN, .. } | Error::NoStore { .. } | Error::TooOld { .. } => {
            "start `lastword serve` of this version once: it makes what is not there".to_owned()
        }
        Error::Refused { .. } => "see to what it says; its log says more".to_owned(),
        Error::TooNew { .. } => "use the `lastword` that made it, or a newer one, or another database".to_owned(),
        Error::Twin { .. } => "stop one of the two".to_owned(),
        Error::Garbled(_) => {
            "see whether what answers there is ClickHouse, and whether `lastword` made that database; else name another \
             in `store`"
                .to_owned()
        }
    }
}

/// What to do where nothing can be asked.
pub(crate) fn unopened(error: &Unopened) -> String {
    match error {
        Unopened::Location(LocationError::Password { .. }) => {
            "see to the file that `clickhouse.password_file` names, or LASTWORD_CLICKHOUSE_PASSWORD_FILE: who runs \
             `lastword` has to be let read it, and it has the password alone"
        }
        Unopened::Location(_) => "mend `store` in the configuration",
        Unopened::Client(_) => "see to the certificates of this machine; `SSL_CERT_FILE=FILE` names others",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::{Error, Location, open};
    use super::{about, unopened};
    use crate::limits::QUERY_TIMEOUT;

    /// What is to be done about an answer of a server, as a server gives it.
    fn of(status: u16, code: Option<u32>) -> String {
        let place = Location::parse("clickhouse://ada:sekret@h/fleet").unwrap();
        about(&Error::of_answer("clickhouse://h", status, code, "Code: x. DB::Exception: so it is"), &place)
    }

    #[test]
    fn what_is_to_be_done_follows_what_the_server_said() {
        for (status, code, part) in [
            (502, None, "start it, or see to the address"),
            (500, Some(210), "start it, or see to the address"),
            (403, Some(516), "give the password of `ada`"),
            (403, Some(194), "give the password of `ada`"),
            (403, Some(497), "`GRANT CREATE TABLE, SELECT, INSERT, ALTER ON fleet.* TO ada`"),
            (404, Some(60), "it makes what is not there"),
            (500, Some(243), "make room"),
            (500, Some(159), "load"),
            (404, None, "host and port"),
            (500, Some(49), "its log"),
        ] {
            let advice = of(status, code);
            assert!(advice.contains(part) && !advice.contains("sekret"), "{code:?}: {advice}");
        }
        let place = Location::parse("clickhouse://h").unwrap();
        assert!(about(&Error::TooNew { found: 2, known: 1 }, &place).contains("that made it, or a newer one"));
    }

    #[test]
    fn who_has_no_password_is_sent_to_its_file_and_who_has_no_place_to_the_setting() {
        let advice = |url, file| unopened(&open(url, file, QUERY_TIMEOUT).unwrap_err());
        let nowhere = Path::new("/nowhere/clickhouse.password");
        assert!(advice("clickhouse://h", Some(nowhere)).contains("`clickhouse.password_file`"));
        assert_eq!(advice("clickhouse://h/a/b", None), "mend `store` in the configuration");
    }
}
