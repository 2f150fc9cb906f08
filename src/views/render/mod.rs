//! The dashboard as a text for a terminal: boxes of plain lines.
//!
//! Every line has the same width, whatever names and messages say; nothing in them is obeyed by a terminal. Times are UTC, numbers are
//! written the same everywhere.

mod canvas;

use std::time::Duration;

use super::counts::Counts;
use super::event::UNKNOWN;
use super::{Dashboard, DashboardState};
use crate::clock::Timestamp;
use crate::limits::{RENDER_WIDTH_MAX, RENDER_WIDTH_MIN};
use canvas::{Canvas, fit, harmless};

/// Tools that are shown.
const TOOLS: usize = 5;
/// Errors that are shown.
const ERRORS: usize = 5;
/// Providers that are shown: what is more would leave no room for the rest.
const PROVIDERS: usize = 10;
/// Characters of an error's message that are shown.
const MESSAGE_CHARS: usize = 45;
/// What is said where there is no figure.
const NONE: &str = "n/a";

impl Dashboard {
    /// Returns the dashboard as text, each line of it `width` columns wide, between 60 and 200.
    ///
    /// ```
    /// use lastword::clock::Timestamp;
    /// use lastword::views::Dashboard;
    ///
    /// let text = Dashboard::default().render(Timestamp::from_unix_nanos(0), 80);
    /// assert!(text.lines().all(|line| line.chars().count() == 80));
    /// ```
    #[must_use]
    pub fn render(&self, now: Timestamp, width: usize) -> String {
        let state = self.state(now);
        let mut canvas = Canvas::new(width.clamp(RENDER_WIDTH_MIN, RENDER_WIDTH_MAX));
        canvas.header("LASTWORD DASHBOARD");
        self.overview(&mut canvas, &state);
        self.rates(&mut canvas, &state);
        self.providers_box(&mut canvas);
        self.tools_box(&mut canvas);
        self.errors_box(&mut canvas);
        canvas.finish()
    }

    fn overview(&self, canvas: &mut Canvas, state: &DashboardState) {
        canvas.open("Overview");
        canvas.entry("Uptime", &uptime(Duration::from_millis(state.uptime_ms)));
        canvas.entry("Active session", if state.active_session { "✓" } else { "✗" });
        canvas.entry("Total tokens", &thousands(state.total_tokens));
        canvas.entry("Total cost", &dollars(state.total_cost));
        canvas.entry("Tool calls", &thousands(state.total_tool_calls));
        canvas.entry("Avg response", &ms(state.avg_response_ms));
        canvas.entry("Error rate", &percent(state.error_rate, 2));
        canvas.close();
    }

    fn rates(&self, canvas: &mut Canvas, state: &DashboardState) {
        let row = |canvas: &mut Canvas, name: &str, figures: [String; 3]| {
            canvas.entry(name, &figures.map(|figure| format!("{figure:>12}")).join(""));
        };
        let windows = [&state.last_1m, &state.last_5m];
        canvas.open("Rates");
        row(canvas, "", ["lifetime".to_owned(), "last 1m".to_owned(), "last 5m".to_owned()]);
        let three = |all: String, of: &dyn Fn(&super::WindowState) -> String| [all, of(windows[0]), of(windows[1])];
        let per_minute = |tokens: f64| format!("{tokens:.1}");
        let tokens = three(per_minute(state.tokens_per_minute), &|window| per_minute(window.tokens_per_minute));
        row(canvas, "Tokens/min", tokens);
        row(canvas, "Cost/hour", three(dollars(state.cost_per_hour), &|window| dollars(window.cost_per_hour)));
        let all = self.totals.counts();
        let count = |of: fn(&Counts) -> u64| three(thousands(of(all)), &|window| thousands(of(&window.counts)));
        row(canvas, "Requests", count(|counts| counts.requests));
        row(canvas, "Errors", count(|counts| counts.errors));
        row(canvas, "Avg response", three(ms(state.avg_response_ms), &|window| ms(window.avg_response_ms)));
        row(canvas, "Error rate", three(percent(state.error_rate, 2), &|window| percent(window.error_rate, 2)));
        canvas.close();
    }

    fn providers_box(&self, canvas: &mut Canvas) {
        let providers = self.providers.by_requests();
        if providers.is_empty() {
            return;
        }
        canvas.open("Providers");
        for (provider, model, row) in providers.iter().take(PROVIDERS) {
            let counts = row.counts();
            // A provider that nobody said is none.
            let whose = if *provider == UNKNOWN { String::new() } else { format!("{provider}/") };
            canvas.line(&format!("{whose}{model}"));
            canvas.flow(&[
                format!("requests {}", thousands(counts.requests)),
                format!("tokens {}", thousands(counts.tokens())),
                format!("cost {}", dollars(counts.cost())),
                format!("avg {}", ms(row.latency().mean_ms())),
                format!("p95 {}", ms(row.latency().percentile_ms(0.95))),
                format!("errors {}", thousands(counts.request_errors)),
            ]);
        }
        if providers.len() > PROVIDERS {
            canvas.line(&format!("and {} more", providers.len() - PROVIDERS));
        }
        canvas.close();
    }

    fn tools_box(&self, canvas: &mut Canvas) {
        let tools = self.tools.by_calls();
        if tools.is_empty() {
            return;
        }
        canvas.open("Top Tools");
        for (name, tool) in tools.into_iter().take(TOOLS) {
            let limit = |figure: Option<f64>| figure.map_or_else(|| "N/A".to_owned(), |figure| ms(Some(figure)));
            canvas.line(name);
            canvas.flow(&[
                format!("calls {}", thousands(tool.calls())),
                format!("success {}", percent(tool.success_rate(), 0)),
                format!("avg {}", limit(tool.lifetime_avg_ms())),
                format!("min {}", limit(tool.lifetime_min_ms())),
                format!("max {}", limit(tool.lifetime_max_ms())),
            ]);
        }
        canvas.close();
    }

    fn errors_box(&self, canvas: &mut Canvas) {
        let errors = self.errors.recent(ERRORS);
        if errors.is_empty() {
            return;
        }
        canvas.open("Recent Errors");
        for error in errors {
            let message: String = error.message.chars().take(MESSAGE_CHARS).collect();
            canvas.line(&format!("[{}] {}: {message}", time_of_day(error.time()), error.error_type));
        }
        canvas.close();
    }
}

/// Returns how long something has run: `1h 1m`, `1m 1s`, `5s`.
///
/// ```
/// use std::time::Duration;
/// use lastword::views::uptime;
/// assert_eq!(uptime(Duration::from_millis(61_000)), "1m 1s");
/// assert_eq!(uptime(Duration::from_millis(3_660_000)), "1h 1m");
/// ```
#[must_use]
pub fn uptime(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, minutes, _) => format!("{hours}h {minutes}m"),
    }
}

/// Returns a number with a comma before each three digits: `1,234,567`.
///
/// ```
/// assert_eq!(lastword::views::thousands(1_234_567), "1,234,567");
/// ```
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a text of exactly so many columns of a terminal: cut, with `…`, or filled with blanks. What a terminal would obey is replaced.
///
/// ```
/// assert_eq!(lastword::views::fit_columns("日本語", 5), "日本…");
/// assert_eq!(lastword::views::fit_columns("a\u{1b}b", 4), "a\u{fffd}b ");
/// ```
#[must_use]
pub fn fit_columns(text: &str, columns: usize) -> String {
    fit(text, columns)
}

/// Returns a text without what a terminal would obey: each such sign is replaced.
#[must_use]
pub fn for_terminal(text: &str) -> String {
    harmless(text)
}

fn dollars(amount: f64) -> String {
    format!("${amount:.4}")
}

fn ms(figure: Option<f64>) -> String {
    figure.map_or_else(|| NONE.to_owned(), |ms| format!("{ms:.0}ms"))
}

fn percent(rate: Option<f64>, decimals: usize) -> String {
    rate.map_or_else(|| NONE.to_owned(), |rate| format!("{:.decimals$}%", rate * 100.0))
}

/// The time of day in UTC.
fn time_of_day(time: Timestamp) -> String {
    let seconds = time.unix_nanos() / 1_000_000_000;
    format!("{:02}:{:02}:{:02}Z", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests;
