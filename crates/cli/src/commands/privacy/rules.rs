//! `lastword privacy rules`: what a collector has taken out of what it was sent, by rule.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::flags::privacy::RulesArgs;
use crate::output::{Output, note};
use crate::source::http::Client;

/// Of which counter of the collector the rules are labels.
const COUNTER: &str = "lastword_redacted_total{rule=\"";

/// Shows the rules and how often each took something out.
///
/// # Errors
///
/// The collector can't be asked, or the output can't be written.
pub(super) async fn run(args: RulesArgs) -> Result<(), Error> {
    let metrics = Client::new(args.collector.url()?)?.get("/metrics").await?;
    let rules = counted(&String::from_utf8_lossy(&metrics));
    let mut output = Output::stdout();
    if args.json {
        output.object(&rules)?;
    } else if rules.is_empty() {
        note("nothing was taken out of anything since the collector was started");
    } else {
        let width = rules.keys().map(String::len).max().unwrap_or(0).max(4);
        output.line(&format!("{:width$}  {:>12}", "RULE", "TAKEN OUT"))?;
        for (rule, count) in &rules {
            output.line(&format!("{rule:width$}  {count:>12}"))?;
        }
    }
    output.flush()
}

/// Finds the counts in the text of Prometheus.
fn counted(metrics: &str) -> BTreeMap<String, u64> {
    let read = |line: &str| {
        let (rule, count) = line.strip_prefix(COUNTER)?.split_once("\"}")?;
        Some((rule.to_owned(), count.trim().parse().ok()?))
    };
    metrics.lines().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_found_among_all_that_a_collector_counts() {
        let metrics = "# TYPE lastword_redacted_total counter\nlastword_redacted_total{rule=\"email\"} 3\nup 1\nlastword_redacted_total{rule=\"name\"} 12\n";
        assert_eq!(counted(metrics), BTreeMap::from([("email".to_owned(), 3), ("name".to_owned(), 12)]));
    }
}
