use super::*;

const PROGRAM: [(Option<bool>, Option<Level>); 12] = {
    let mut all = [(None, None); 12];
    let (enabled, consent) =
        ([None, Some(false), Some(true)], [None, Some(Level::None), Some(Level::Essential), Some(Level::Full)]);
    let mut at = 0;
    while at < 12 {
        all[at] = (enabled[at / 4], consent[at % 4]);
        at += 1;
    }
    all
};
/// A word of each kind: absent, empty, yes, no, neither.
const WORDS: [Option<&str>; 5] = [None, Some(""), Some(" Yes "), Some("0"), Some("maybe")];

fn found(number: usize) -> Found {
    let said = |level| {
        let mut settings = UserSettings::default();
        settings.set_consent(level);
        Found::Settings(settings)
    };
    match number {
        0 => Found::Nothing,
        1 => Found::Settings(UserSettings::default()),
        2 => said(Level::Full),
        3 => said(Level::Essential),
        4 => said(Level::None),
        _ => Found::Trouble(SettingsError::NoPlace),
    }
}

/// What the variables say, told again in other words than those of the code: the most that each lets through.
fn allowed_by_environment(tinker: usize, disable: usize, track: usize, enabled: usize) -> bool {
    let is_on = |word: usize| matches!(word, 0 | 2);
    is_on(tinker) && is_on(enabled) && matches!(disable, 0 | 1 | 3) && matches!(track, 0 | 1 | 3)
}

#[test]
fn of_all_that_is_said_the_most_restrictive_wins_and_is_named() {
    let mut seen = 0;
    for (enabled, consent) in PROGRAM {
        for settings in 0..6 {
            for words in 0..625 {
                let [tinker, disable, track, on] = [words % 5, words / 5 % 5, words / 25 % 5, words / 125];
                let word = |number: usize| WORDS[number].map(str::to_owned);
                let environment = Environment {
                    tinker_telemetry: word(tinker),
                    disable_telemetry: word(disable),
                    do_not_track: word(track),
                    telemetry_enabled: word(on),
                    ..Environment::default()
                };
                let decided = decide(&Program { enabled, consent }, &environment, found(settings));

                let of_settings =
                    [Level::Full, Level::Full, Level::Full, Level::Essential, Level::None, Level::None][settings];
                let of_environment = enabled == Some(true) || allowed_by_environment(tinker, disable, track, on);
                let expected = match enabled {
                    Some(false) => Level::None,
                    _ if !of_environment => Level::None,
                    _ => of_settings.min(consent.unwrap_or(Level::Full)),
                };
                let case = format!("{enabled:?} {consent:?} {environment:?} settings {settings}");
                assert_eq!(decided.level(), expected, "{case}");
                if expected != Level::Full {
                    let winner = decided.winner().unwrap_or_else(|| panic!("nobody won: {case}"));
                    assert_eq!(winner.effect, Effect::Limits(expected), "{case}");
                }
                assert_eq!(decided.rules().len(), Source::ALL.len());
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 12 * 6 * 625);
}

fn winner(environment: &Environment, found: Found) -> Option<Source> {
    decide(&Program::default(), environment, found).winner().map(|rule| rule.source)
}

#[test]
fn of_rules_that_agree_the_one_that_lasts_is_named() {
    let off = || Some("1".to_owned());
    let environment = Environment { do_not_track: off(), disable_telemetry: off(), ..Environment::default() };
    assert_eq!(winner(&environment, found(4)), Some(Source::Settings));
    assert_eq!(winner(&environment, found(2)), Some(Source::DoNotTrack));
    assert_eq!(winner(&Environment::default(), found(1)), None, "nobody says anything");
}

#[test]
fn each_variable_is_read_as_its_own_convention_has_it() {
    let level = |environment: Environment| decide(&Program::default(), &environment, Found::Nothing).level();
    for (word, is_on) in [
        ("", true),
        ("0", true),
        (" 0 ", true),
        ("False", true),
        ("1", false),
        ("true", false),
        ("no", false),
        ("2", false),
    ] {
        let environment = Environment { do_not_track: Some(word.into()), ..Environment::default() };
        assert_eq!(level(environment) == Level::Full, is_on, "DO_NOT_TRACK={word}");
    }
    for (word, is_on) in
        [("", true), ("0", true), ("no", true), ("OFF", true), ("1", false), ("Yes", false), ("2", false)]
    {
        let environment = Environment { disable_telemetry: Some(word.into()), ..Environment::default() };
        assert_eq!(level(environment) == Level::Full, is_on, "DISABLE_TELEMETRY={word}");
    }
    for (word, is_on) in [
        ("true", true),
        ("1", true),
        ("on", true),
        ("Yes", true),
        ("false", false),
        ("", false),
        ("off", false),
        ("perhaps", false),
    ] {
        for environment in [
            Environment { telemetry_enabled: Some(word.into()), ..Environment::default() },
            Environment { tinker_telemetry: Some(word.into()), ..Environment::default() },
        ] {
            assert_eq!(level(environment.clone()) == Level::Full, is_on, "{environment:?}");
        }
    }
}

#[test]
fn what_is_no_word_is_warned_about_with_the_words_that_there_are_and_is_not_shown_at_length() {
    let environment = Environment {
        tinker_telemetry: Some("maybe".into()),
        disable_telemetry: Some("x".repeat(1_000)),
        ..Environment::default()
    };
    let consent = decide(&Program::default(), &environment, Found::Trouble(SettingsError::NoPlace));
    let warnings: Vec<_> = consent.warnings().collect();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].contains("LASTWORD_SETTINGS"), "{warnings:?}");
    assert!(warnings[1].starts_with("DISABLE_TELEMETRY") && warnings[2].contains("1 true yes on"), "{warnings:?}");
    assert!(consent.rules().iter().all(|rule| rule.said.as_ref().is_none_or(|said| said.len() <= SAID_CHARS_MAX)));
    let overruled = decide(&Program { enabled: Some(true), consent: None }, &environment, Found::Nothing);
    assert_eq!((overruled.level(), overruled.warnings().count()), (Level::Full, 0));
}
