//! What people are told of a rule.

use std::time::Duration;

use super::about::{About, spoken as spoken_of};
use super::kind::{Kind, Metric};
use super::rules::Rule;
use crate::page::Address;
use crate::query::{Grid, HistogramQuery};

impl Rule {
    /// Returns what is told of a value, and of the exceptions that it is about: by name, also where the rule has no place for them.
    pub(super) fn summarise(&self, value: f64, about: &[About]) -> String {
        let (threshold, is_above) = self.threshold();
        let summary = self.summary.as_deref().unwrap_or(if is_above {
            "{name}: {value} is above {threshold} over {window}"
        } else {
            "{name}: {value} is below {threshold} over {window}"
        });
        let place = "{exceptions}";
        let named = if about.is_empty() || summary.contains(place) { "" } else { ": {exceptions}" };
        // What clients say comes last, so that nothing in it is taken for a place.
        let summary = summary.to_owned() + named;
        summary
            .replace("{value}", &short(value))
            .replace("{threshold}", &short(threshold))
            .replace("{window}", &spoken(self.window))
            .replace("{severity}", &self.severity)
            .replace("{name}", &self.name)
            .replace(place, &spoken_of(about, value))
    }

    /// Returns when it holds, in words.
    pub(crate) fn condition(&self) -> String {
        let (threshold, is_above) = self.threshold();
        let (event, window) = (self.event.spoken(), spoken(self.window));
        let field = self.field.as_deref().unwrap_or_default();
        let what = match self.value {
            Kind::Absent => return format!("no {event} for {window}{}", self.held()),
            Kind::Count => format!("{event} over {window}"),
            Kind::Rate => format!("{event} a second over {window}"),
            Kind::Ratio => {
                let among = self.among.as_ref().map(super::filter::Filter::spoken).unwrap_or_default();
                format!("the part of {among} that are {event}, over {window},")
            }
            Kind::Sum => format!("the sum of {field} of {event} over {window}"),
            Kind::Avg => format!("the mean of {field} of {event} over {window}"),
            Kind::Max => format!("the largest {field} of {event} over {window}"),
            Kind::P50 => format!("the median of {field} of {event} over {window}"),
            Kind::P90 => format!("the 90th percentile of {field} of {event} over {window}"),
            Kind::P95 => format!("the 95th percentile of {field} of {event} over {window}"),
            Kind::P99 => format!("the 99th percentile of {field} of {event} over {window}"),
            Kind::NewExceptions => format!("exceptions like none before, received over {window}"),
            Kind::Regressed => format!("exceptions that were resolved and came again over {window}"),
            Kind::Missing => format!("events that are missing in sessions of {window}"),
            Kind::CrashRate => format!("the part of the sessions of {window} that crashed or ended by a fatal error"),
            Kind::SilentSessions => format!("sessions of {window} that are silent"),
            Kind::Metric => match self.metric {
                Some(Metric::IngestFailed) => format!("requests of which nothing was stored over {window}"),
                Some(Metric::IngestRefused) => format!("events that were refused over {window}"),
                Some(Metric::DiskFreeRatio) => "the part of the disk that is free".to_owned(),
                Some(Metric::QueueRatio) => "the part of the queue before the disk that is taken".to_owned(),
                Some(Metric::StoreBroken) | None => "whether nothing can be stored".to_owned(),
            },
        };
        let sign = if is_above { ">" } else { "<" };
        format!("{what} {sign} {}{}{}", short(threshold), self.enough(), self.held())
    }

    /// Says of how many it says something at all.
    fn enough(&self) -> String {
        match self.value {
            Kind::CrashRate if self.at_least > 1 => format!(", of {} sessions or more", self.at_least),
            Kind::Ratio if self.at_least > 1 => format!(", of {} or more", self.at_least),
            _ => String::new(),
        }
    }

    /// Returns why so many of so many are no value: there are fewer than it speaks of.
    pub(super) fn too_few(&self, (count, all): (u64, u64)) -> Option<String> {
        let least = self.at_least;
        let is_less = least > 1 && all < least;
        match self.value {
            Kind::CrashRate if is_less => Some(format!("{count} of {all} failed: says nothing below {least} sessions")),
            Kind::Ratio if is_less => Some(format!("{count} of {all}: says nothing below {least}")),
            _ => None,
        }
    }

    /// Returns how many exceptions it is about, in words that these may follow.
    pub(super) fn brief(&self, value: f64) -> Option<String> {
        let one = value <= 1.0;
        match self.value {
            Kind::NewExceptions => {
                Some(format!("{} new {}", short(value), if one { "exception" } else { "exceptions" }))
            }
            Kind::Regressed if one => Some("1 exception came back".to_owned()),
            Kind::Regressed => Some(format!("{} exceptions came back", short(value))),
            _ => None,
        }
    }

    fn held(&self) -> String {
        if self.hold.is_zero() { String::new() } else { format!(", for {}", spoken(self.hold)) }
    }

    /// Returns where the pages show what it measures.
    pub(crate) fn link(&self) -> Address {
        let window = spoken(self.window);
        match self.value {
            Kind::NewExceptions => Address::of("/exceptions", &[("appeared", &window), ("order", "new")]),
            Kind::Regressed => Address::of("/exceptions", &[("regressed", &window)]),
            Kind::CrashRate => Address::of("/sessions", &[("failed", "true"), ("received", &window)]),
            Kind::SilentSessions => Address::of("/sessions", &[("state", "silent"), ("received", &window)]),
            Kind::Missing => Address::of("/sessions", &[("missing", "true"), ("received", &window)]),
            Kind::Metric => Address::of("/settings", &[]),
            _ => self.event.link(&window),
        }
    }

    /// Returns what is counted over time of what it measures, where that is counted as it comes.
    pub(crate) fn histogram(&self, grid: Grid) -> Option<HistogramQuery> {
        self.is_counted().then(|| self.event.histogram(grid))
    }
}

/// Writes a number as people read it: to four digits behind the point.
#[must_use]
pub fn short(number: f64) -> String {
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
    use super::About;
    use crate::alerts::{DEFAULT_RULES, Rule, Rules};

    #[test]
    fn a_condition_says_what_is_measured_and_when_it_holds() {
        let rules = Rules::parse(DEFAULT_RULES).unwrap();
        let said: Vec<String> = rules.alerts.iter().map(Rule::condition).collect();
        assert_eq!(said[0], "UNHANDLED_EXCEPTION events over 5m > 20, for 1m");
        assert_eq!(
            said[3],
            "the part of the sessions of 1h that crashed or ended by a fatal error > 0.05, of 20 sessions or more"
        );
        let too_few = rules.alerts[3].too_few((2, 5));
        assert_eq!(too_few.as_deref(), Some("2 of 5 failed: says nothing below 20 sessions"));
        assert_eq!((rules.alerts[3].too_few((2, 20)), rules.alerts[0].too_few((0, 0))), (None, None));
        let rule = "[[alert]]\nname = 'r'\nvalue = 'p95'\nfield = 'ms'\nwindow = '1h'\nbelow = 2\nevent = { name = 'pay', severity = 'error', where = { tier = 'gold' } }";
        let rule = &Rules::parse(rule).unwrap().alerts[0];
        assert_eq!(
            rule.condition(),
            "the 95th percentile of ms of pay events of severity error and worse with tier = gold over 1h < 2"
        );
        assert_eq!(rule.link().link(), "/events?name=pay&severity=ERROR&since=1h");
    }

    #[test]
    fn a_summary_says_the_value_in_words_that_were_given() {
        let rules = "[[alert]]\nname = 'r'\nvalue = 'count'\nwindow = '90s'\nabove = 2.5\nsummary = '{value} > {threshold} in {window}'";
        assert_eq!(Rules::parse(rules).unwrap().alerts[0].summarise(3.0, &[]), "3 > 2.5 in 90s");
        let about = [About::new("T", "{value}", "/exceptions/0".to_owned())];
        let told = |summary: &str| {
            let rules = format!("[[alert]]\nname='r'\nvalue='regressed'\nwindow='1h'\nabove=0\nsummary='{summary}'");
            Rules::parse(&rules).unwrap().alerts[0].summarise(1.0, &about)
        };
        assert_eq!(told("{value}: {exceptions}!"), "1: T: {value} (/exceptions/0)!");
        assert_eq!(told("{value} again"), "1 again: T: {value} (/exceptions/0)");
    }
}
