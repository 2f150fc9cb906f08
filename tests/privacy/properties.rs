//! Redaction of any text: it never panics, what comes out is whole, and done again it changes nothing.

use lastword::privacy::{Privacy, Redactor};
use lastword::{Reporter, event};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use crate::secrets::{SHAPES, SURROUNDED};
use crate::support::{reported, sent};

fn redactor() -> Redactor {
    Privacy::new().redactor().unwrap()
}

/// Texts of pieces that rules look for, in any order.
fn pieced() -> impl Strategy<Value = String> {
    let pieces: Vec<String> = SHAPES
        .iter()
        .chain(SURROUNDED)
        .map(|sample| sample.text.to_owned())
        .chain(
            [
                "@",
                "=",
                ":",
                "+",
                "\\",
                "/",
                "//",
                "://",
                "--",
                "-",
                ".",
                "\"",
                "'",
                " ",
                "\n",
                ",",
                ";",
                "&",
                "ä",
                "…",
                "[redacted",
                "]",
                "[redacted:email]",
                "token",
                "password",
                "cookie: ",
                "Bearer ",
                "basic ",
                "/home/",
                "/Users/",
                "C:\\Users\\",
                "a",
                "7",
                "eyJ",
                "sk-",
                "AKIA",
                "+4",
                "1234",
                "4111",
                "example.com",
                "q~",
                "8Q~",
                "%20",
                "{",
                "$",
            ]
            .map(str::to_owned),
        )
        .collect();
    proptest::collection::vec(proptest::sample::select(pieces), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_redacted_once_and_for_all(text in any::<String>()) {
        let once = redactor().redact(&text).into_owned();
        prop_assert_eq!(redactor().redact(&once), once.as_str());
    }

    #[test]
    fn texts_of_secrets_and_marks_are_redacted_once_and_for_all(text in pieced()) {
        let once = redactor().redact(&text).into_owned();
        prop_assert_eq!(redactor().redact(&once), once.as_str(), "from {:?}", text);
    }

    #[test]
    fn texts_that_are_cut_keep_within_their_bound_however_often(text in pieced(), bytes in 64_usize..300) {
        let redactor = Privacy::new().max_string_bytes(bytes).redactor().unwrap();
        let once = redactor.redact(&text).into_owned();
        prop_assert!(once.len() <= bytes);
        prop_assert!(redactor.redact(&once).len() <= bytes);
    }
}

#[test]
fn whatever_is_redacted_arrives_as_json() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let texts: Vec<String> = (0..500).map(|_| pieced().new_tree(&mut runner).unwrap().current()).collect();
    let report = |reporter: &Reporter| texts.iter().for_each(|text| sent(event!(reporter, "e", note = text, n = 1)));
    let events = reported(report);
    assert_eq!(events.len(), texts.len());
    for (event, text) in events.iter().zip(&texts) {
        assert_eq!(event["event_data"]["note"], *redactor().redact(text));
        assert_eq!(event["event_data"]["n"], 1);
    }
}

#[test]
fn the_work_is_linear_in_the_length_whatever_is_in_the_text() {
    let redactor = Privacy::new().max_string_bytes(512 * 1024).redactor().unwrap();
    let pieces = [
        "@",
        "a@",
        "a@b.",
        "://",
        "token=",
        "token=$",
        "bearer/",
        "bearer ",
        "eyJ-",
        "sk-",
        "4",
        "4 ",
        "+1",
        "/home/",
        "-",
        "\\",
        "a.",
        "k:",
        "<password>",
        "<pw ",
        "token%3D",
        "pin=",
        "pin%3D",
        "pin: ",
        "auth=1",
        "a%40b.",
        "%2B1",
        "cookie: ",
        "cookie: a=\"",
        "token=[\"a\",",
        "token=Some(",
        "\"--token\" ",
        "x-----BEGIN PRIVATE KEY-----",
        "token: -----BEGIN PRIVATE KEY",
        "4111 ",
        "+1 4 ",
        ":\\/\\/",
        "\\n+4",
        "password=,a",
        "password2=",
    ];
    for piece in pieces {
        let text = piece.repeat(400 * 1024 / piece.len());
        let start = std::time::Instant::now();
        let _ = redactor.redact(&text);
        // A quadratic search would take minutes; what is linear takes milliseconds, and a busy machine some more.
        assert!(start.elapsed().as_secs() < 5, "{piece:?} took {:?}", start.elapsed());
    }
}

#[test]
fn a_text_that_ends_in_the_middle_of_anything_is_looked_at_all_the_same() {
    let redactor = redactor();
    let marks =
        ["%40", "%2B", "%3D", "://", "--", "\\n+1", "\\n/home/ada", "<token>x</token>", "/mnt/c/Users/ada", "8Q~"];
    let texts = SHAPES.iter().chain(SURROUNDED).map(|sample| sample.text).chain(marks);
    for text in texts {
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            for start in (0..=end.min(4)).filter(|start| text.is_char_boundary(*start)) {
                let once = redactor.redact(&text[start..end]).into_owned();
                assert_eq!(redactor.redact(&once), once, "{:?}", &text[start..end]);
            }
        }
    }
}
