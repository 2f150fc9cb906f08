//! What people are told of a rule.

use std::time::Duration;

use super::rules::Rule;

impl Rule {
    /// Returns what is told of a value.
    pub(super) fn summarise(&self, value: f64) -> String {
        let (threshold, is_above) = self.threshold();
        let summary = self.summary.as_deref().unwrap_or(if is_above {
            "{name}: {value} is above {threshold} over {window}"
        } else {
            "{name}: {value} is below {threshold} over {window}"
        });
        summary
            .replace("{value}", &short(value))
            .replace("{threshold}", &short(threshold))
            .replace("{window}", &spoken(self.window))
            .replace("{severity}", &self.severity)
            .replace("{name}", &self.name)
    }
}

/// Writes a number as people read it.
fn short(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Writes a duration as it is given.
fn spoken(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds % 86_400 == 0 => format!("{}d", seconds / 86_400),
        seconds if seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use crate::alerts::Rules;

    #[test]
    fn a_summary_says_the_value_in_words_that_were_given() {
        let rules = "[[alert]]\nname = 'r'\nvalue = 'count'\nwindow = '90s'\nabove = 2.5\nsummary = '{value} > {threshold} in {window}'";
        assert_eq!(Rules::parse(rules).unwrap().alerts[0].summarise(3.0), "3 > 2.5 in 90s");
    }
}
