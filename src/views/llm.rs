//! Calls of models and tools in one text, as the lesson on telemetry has it.

use std::fmt::Write as _;

use serde::Serialize;

use super::counts::Counts;
use super::providers::{call_success_rate, calls};

/// How calls of models and tools go. Rates are from 0 to 1, and `None` where there was no call.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Llm {
    /// Calls of models, each attempt one.
    pub llm_calls: u64,
    /// Attempts that failed.
    pub llm_failures: u64,
    /// Attempts at what had been tried before.
    pub llm_retries: u64,
    /// Which part of the attempts went well.
    pub llm_success_rate: Option<f64>,
    /// What was to be done, in however many attempts.
    pub llm_requests: u64,
    /// Which part of that went well, in whatever attempt.
    pub llm_request_success_rate: Option<f64>,
    /// How long an attempt took in the mean, in milliseconds.
    pub avg_latency_ms: Option<f64>,
    /// How long all attempts took, in milliseconds.
    pub total_latency_ms: f64,
    /// Tokens of both directions.
    pub total_tokens: u64,
    /// Calls of tools.
    pub tool_calls: u64,
    /// Calls of tools that failed.
    pub tool_failures: u64,
    /// Which part of the calls of tools went well.
    pub tool_success_rate: Option<f64>,
    /// Which part of the calls of tools failed.
    pub tool_failure_rate: Option<f64>,
    /// Operations on memories.
    pub memory_operations: u64,
}

impl Llm {
    /// Computes it of what happened.
    #[must_use]
    pub fn of(counts: &Counts) -> Self {
        let tool_success_rate = counts.tool_success_rate();
        Self {
            llm_calls: counts.requests,
            llm_failures: counts.request_errors,
            llm_retries: counts.retries,
            llm_success_rate: counts.success_rate(),
            llm_requests: calls(counts),
            llm_request_success_rate: call_success_rate(counts),
            avg_latency_ms: counts.mean_response_ms(),
            total_latency_ms: super::counts::in_ms(counts.request_nanos),
            total_tokens: counts.tokens(),
            tool_calls: counts.tool_calls,
            tool_failures: counts.tool_errors,
            tool_success_rate,
            tool_failure_rate: tool_success_rate.map(|rate| 1.0 - rate),
            memory_operations: counts.memory_operations,
        }
    }

    /// Returns the figures as texts and numbers to be shown: rates in percent, `n/a` where there was no call.
    #[must_use]
    pub fn export(&self) -> serde_json::Value {
        let avg = self.avg_latency_ms.map(|ms| (ms * 10.0).round() / 10.0);
        serde_json::json!({
            "llm_calls": self.llm_calls,
            "llm_failures": self.llm_failures,
            "llm_retries": self.llm_retries,
            "llm_success_rate": percent(self.llm_success_rate),
            "avg_latency_ms": avg,
            "tool_calls": self.tool_calls,
            "tool_failures": self.tool_failures,
            "tool_success_rate": percent(self.tool_success_rate),
            "memory_operations": self.memory_operations,
        })
    }

    /// Returns a text for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let rule = "=".repeat(40);
        let avg = self.avg_latency_ms.map_or_else(|| NONE.to_owned(), |ms| format!("{ms:.0}ms"));
        let mut text = String::new();
        // Writing to a `String` does not fail.
        let _ = writeln!(text, "{rule}\nTELEMETRY SUMMARY\n{rule}");
        let _ = writeln!(text, "LLM Calls:      {}", self.llm_calls);
        let _ = writeln!(text, "  Success Rate: {}", percent(self.llm_success_rate));
        let _ = writeln!(text, "  Avg Latency:  {avg}");
        let _ = writeln!(text, "  Retries:      {}", self.llm_retries);
        let _ = writeln!(text, "Tool Calls:     {}", self.tool_calls);
        let _ = writeln!(text, "  Success Rate: {}", percent(self.tool_success_rate));
        let _ = writeln!(text, "Memory Ops:     {}\n{rule}", self.memory_operations);
        text
    }
}

/// What is said where there is no figure.
const NONE: &str = "n/a";

fn percent(rate: Option<f64>) -> String {
    rate.map_or_else(|| NONE.to_owned(), |rate| format!("{:.2}%", rate * 100.0))
}
