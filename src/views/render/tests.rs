use proptest::prelude::*;
use serde_json::json;
use unicode_width::UnicodeWidthStr;

use super::*;
use crate::views::samples::{NOW, Sample, any_samples, fold};

const LATER: Timestamp = Timestamp::from_unix_nanos(NOW + 3_660_000_000_000);

fn is_aligned(text: &str, width: usize) -> bool {
    text.ends_with('\n') && text.lines().all(|line| line.width() == width && !line.chars().any(char::is_control))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_line_is_equally_wide_whatever_the_events_say(samples in any_samples(12), width in 60_usize..=200) {
        let text = fold::<Dashboard>(&samples).render(LATER, width);
        prop_assert!(is_aligned(&text, width), "{}", text);
    }
}

#[test]
fn the_screen_is_as_it_was_looked_at() {
    let chat = json!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "duration_ms": 500, "status": "ok", "gen_ai.usage.input_tokens": 1_000_000, "gen_ai.usage.output_tokens": 234_567,
        "gen_ai.usage.cost": 0.5});
    let tool = json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "端末", "duration_ms": 12.4, "status": "error",
        "error.message": "permission denied: a message that is longer than what is shown"});
    let untimed = json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "ls", "status": "ok"});
    let samples = [
        Sample { kind: crate::EventKind::SessionStart, ..Sample::new(0, "", json!({})) },
        Sample::new(1, "operation", chat),
        Sample::new(2, "operation", tool),
        Sample::new(3, "operation", untimed),
    ];
    let text = fold::<Dashboard>(&samples).render(LATER, 60);
    let expected = "\
╔══════════════════════════════════════════════════════════╗
║                    LASTWORD DASHBOARD                    ║
╚══════════════════════════════════════════════════════════╝
┌─ Overview ───────────────────────────────────────────────┐
│ Uptime            1h 1m                                  │
│ Active session    ✓                                      │
│ Total tokens      1,234,567                              │
│ Total cost        $0.5000                                │
│ Tool calls        2                                      │
│ Avg response      500ms                                  │
│ Error rate        0.00%                                  │
└──────────────────────────────────────────────────────────┘
┌─ Rates ──────────────────────────────────────────────────┐
│                       lifetime     last 1m     last 5m   │
│ Tokens/min             20238.8         0.0         0.0   │
│ Cost/hour              $0.4918     $0.0000     $0.0000   │
│ Requests                     1           0           0   │
│ Errors                       1           0           0   │
│ Avg response             500ms         n/a         n/a   │
│ Error rate               0.00%         n/a         n/a   │
└──────────────────────────────────────────────────────────┘
┌─ Providers ──────────────────────────────────────────────┐
│ openai/gpt-4o                                            │
│   requests 1  tokens 1,234,567  cost $0.5000  avg 500ms  │
│   p95 500ms  errors 0                                    │
└──────────────────────────────────────────────────────────┘
┌─ Top Tools ──────────────────────────────────────────────┐
│ ls                                                       │
│   calls 1  success 100%  avg N/A  min N/A  max N/A       │
│ 端末                                                     │
│   calls 1  success 0%  avg 12ms  min 12ms  max 12ms      │
└──────────────────────────────────────────────────────────┘
┌─ Recent Errors ──────────────────────────────────────────┐
│ [10:00:02Z] tool_error: permission denied: a message th… │
└──────────────────────────────────────────────────────────┘
";
    assert_eq!(text, expected);
}

#[test]
fn what_there_is_nothing_of_has_no_box() {
    let text = Dashboard::default().render(LATER, 10);
    assert!(is_aligned(&text, 60), "narrower than it can be is as narrow as it can be: {text}");
    for title in ["Providers", "Top Tools", "Recent Errors"] {
        assert!(!text.contains(title));
    }
    assert!(text.contains("│ Active session    ✗ ") && text.contains("│ Error rate        n/a "));
}

#[test]
fn a_duration_has_its_two_largest_units() {
    let text = |seconds| uptime(Duration::from_secs(seconds));
    assert_eq!([0, 59, 61, 3_599, 3_660, 90_061].map(text), ["0s", "59s", "1m 1s", "59m 59s", "1h 1m", "25h 1m"]);
}
