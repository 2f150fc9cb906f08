//! Until when a certificate is valid, read from its DER: `Certificate.tbsCertificate.validity.notAfter` of RFC 5280. What isn't
//! understood is `None`; nothing is decided by it.

use crate::clock;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0]`, in which the version stands.
const VERSION: u8 = 0xa0;

/// Returns the last moment of a certificate, in microseconds since 1970.
pub(super) fn until_us(der: &[u8]) -> Option<i64> {
    let (SEQUENCE, certificate, _) = element(der)? else { return None };
    let (SEQUENCE, mut rest, _) = element(certificate)? else { return None };
    if let (VERSION, _, after) = element(rest)? {
        rest = after;
    }
    // The serial number, the algorithm, the issuer.
    for expected in [INTEGER, SEQUENCE, SEQUENCE] {
        let (tag, _, after) = element(rest)?;
        if tag != expected {
            return None;
        }
        rest = after;
    }
    let (SEQUENCE, validity, _) = element(rest)? else { return None };
    let (_, _, after) = element(validity)?;
    let (tag, text, _) = element(after)?;
    moment(tag, std::str::from_utf8(text).ok()?)
}

/// Splits an element off: its tag, its content, what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(digits, _)| digits.len() <= 4)?;
        (digits.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Reads `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn moment(tag: u8, text: &str) -> Option<i64> {
    let text = match tag {
        // Years from 1950 to 2049.
        UTC_TIME if text.get(..2)? >= "50" => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| text.get(from..to);
    clock::parse(&format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_moment_of_a_certificate_is_read_in_both_forms() {
        let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        for (year, text) in [(2031, "2031-03-04T00:00:00Z"), (2055, "2055-03-04T00:00:00Z")] {
            parameters.not_after = rcgen::date_time_ymd(year, 3, 4);
            let certificate = parameters.self_signed(&key).unwrap();
            assert_eq!(until_us(certificate.der()), clock::parse(text));
        }
    }

    #[test]
    fn whatever_is_no_certificate_has_no_last_moment() {
        let key = rcgen::KeyPair::generate().unwrap();
        let whole = rcgen::CertificateParams::default().self_signed(&key).unwrap().der().to_vec();
        for length in 0..whole.len().min(200) {
            until_us(&whole[..length]);
        }
        assert_eq!(until_us(b""), None);
        assert_eq!(until_us(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
