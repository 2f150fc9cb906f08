//! A secret is found wherever it stands: texts are looked at in lines of 64 bytes, and no place in one, no end of a text, and
//! no neighbour hides anything.

use lastword::privacy::{Privacy, Redactor};
use proptest::prelude::*;

use crate::harmless;
use crate::secrets::{SHAPES, SURROUNDED, Sample};
use crate::support::{assert_hidden, is_hidden};

/// More than two lines.
const PLACES: usize = 141;
/// What may stand right before a secret and right behind it; `""` is the start or the end of the text.
const BEFORE: [&str; 12] = ["", " ", "\n", "\t", "\"", "'", ",", "(", "é", "…", "\\n", "日"];
const BEHIND: [&str; 12] = ["", " ", "\n", "\t", "\"", "'", ",", ")", "é", "…", "\\n", "日"];
/// What fills the text up to there: words, one letter, characters of several bytes, and what looks like the start of much.
const FILLS: [&str; 5] = ["word ", ".", "é ", "eyJ sk- ", "a@ b= +1 "];

fn redactor() -> Redactor {
    Privacy::new().redactor().unwrap()
}

/// A text of so many bytes that ends with a blank or its like, so that nothing is glued to what follows.
fn filled(fill: &str, bytes: usize) -> String {
    let mut text = fill.repeat(bytes.div_ceil(fill.len().max(1)));
    text.truncate(text.floor_char_boundary(bytes));
    while text.len() < bytes {
        text.push(' ');
    }
    if text.pop().is_some() {
        text.truncate(text.floor_char_boundary(text.len()));
        text.extend(std::iter::repeat_n(' ', bytes - text.len()));
    }
    text
}

#[test]
fn a_secret_is_found_at_every_place_with_every_neighbour() {
    let redactor = redactor();
    let mut lost = Vec::new();
    for sample in SHAPES.iter().chain(SURROUNDED) {
        for place in 0..PLACES {
            // Each place has all that may stand before and behind, and over all places each with each.
            for (at, before) in BEFORE.iter().enumerate() {
                let (behind, fill) = (BEHIND[(at + place) % BEHIND.len()], FILLS[(at + place / 3) % FILLS.len()]);
                let text = format!("{}{before}{}{behind}", filled(fill, place), sample.text);
                let redacted = redactor.redact(&text);
                if !is_hidden(&redacted, sample.secret) {
                    lost.push(format!("at {place}: {text:?} -> {redacted:?}"));
                }
            }
        }
    }
    assert!(lost.is_empty(), "{}:\n{}", lost.len(), lost.join("\n"));
}

#[test]
fn a_secret_is_found_with_any_length_of_text_behind_it() {
    let redactor = redactor();
    for (at, sample) in SHAPES.iter().chain(SURROUNDED).enumerate() {
        for length in (at % 4..200).step_by(4) {
            let text = format!("{} {}", sample.text, filled("word ", length));
            assert_hidden(&redactor.redact(&text), sample.secret, &format!("{length} bytes behind"));
        }
    }
}

#[test]
fn a_harmless_text_is_harmless_at_every_place() {
    let redactor = redactor();
    for text in harmless::all().iter().filter(|text| text.len() < 200) {
        for place in (text.len() % 3..PLACES).step_by(3) {
            let whole = format!("{} {text} and", filled("word ", place));
            assert_eq!(redactor.redact(&whole), whole.as_str(), "at {place}");
        }
    }
}

fn sample() -> impl Strategy<Value = &'static Sample> {
    let all: Vec<&Sample> = SHAPES.iter().chain(SURROUNDED).collect();
    proptest::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_secret_hides_another(
        samples in proptest::collection::vec((sample(), proptest::sample::select(&[" ", "\n", ", ", "\t", " and "][..]), 0..80_usize), 1..5),
    ) {
        let text: String =
            samples.iter().map(|(sample, between, fill)| format!("{}{between}{} ", sample.text, filled("word ", *fill))).collect();
        let redacted = redactor().redact(&text).into_owned();
        for (sample, ..) in &samples {
            prop_assert!(is_hidden(&redacted, sample.secret), "{:?} in {redacted:?} of {text:?}", sample.secret);
        }
    }
}
