//! Whether anything may be reported at all: what the environment says.

/// The name of the environment variable that turns telemetry on or off for a process.
pub const SWITCH_VARIABLE: &str = "TINKER_TELEMETRY";

/// What the environment says about telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// It is on: the variable is not there, or says so.
    On,
    /// It is off: the variable says so, or is empty.
    Off,
    /// It is off, because what the variable says is neither: whoever set it meant something, most likely this. Worth
    /// one warning.
    UnknownOff,
}

impl Switch {
    /// Returns whether events may be reported.
    #[must_use]
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On)
    }
}

/// Reads the value of [`SWITCH_VARIABLE`], which its reader passes in: blanks around it and its case don't matter.
///
/// ```
/// use lastword::privacy::{Switch, switch};
/// assert_eq!(switch(None), Switch::On);
/// assert_eq!(switch(Some(" Yes ")), Switch::On);
/// assert_eq!(switch(Some("off")), Switch::Off);
/// assert_eq!(switch(Some("maybe")), Switch::UnknownOff);
/// ```
#[must_use]
pub fn switch(value: Option<&str>) -> Switch {
    let Some(value) = value.map(str::trim) else {
        return Switch::On;
    };
    let is_one_of = |words: &[&str]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    if is_one_of(&["1", "true", "yes", "on"]) {
        Switch::On
    } else if is_one_of(&["0", "false", "no", "off", ""]) {
        Switch::Off
    } else {
        Switch::UnknownOff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_mean_yes_turn_it_on_and_all_others_turn_it_off() {
        for value in ["1", "true", "True", "TRUE", "yes", "Yes", "on", "ON", " 1 ", "\ttrue\n"] {
            assert_eq!(switch(Some(value)), Switch::On, "{value}");
        }
        for value in ["0", "false", "False", "no", "NO", "off", "Off", "", "  ", " 0"] {
            assert_eq!(switch(Some(value)), Switch::Off, "{value}");
        }
        for value in ["random", "2", "maybe", "-1", "enabled", "o n", "ünknown"] {
            assert_eq!(switch(Some(value)), Switch::UnknownOff, "{value}");
        }
        assert!(switch(None).is_on());
        assert!(!switch(Some("maybe")).is_on());
    }
}
