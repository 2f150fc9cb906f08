//! What a span or an event did, as its convention says it.

use super::aliases::Slot;
use super::{Facts, Of};
use crate::ingest::otlp::model::{Any, KeyValue, find_text};

/// What an attribute says of the kind of its span. The stronger ones count: those that were made to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind<'a> {
    strength: u8,
    /// `None`: it is nothing that is counted, whatever weaker ones say.
    operation: Option<&'a str>,
}

impl<'a> Kind<'a> {
    /// Reads an attribute that says it.
    pub(super) fn of(key: &str, value: &'a Any<'a>) -> Option<Self> {
        let value = value.text()?;
        let (strength, operation) = match key {
            "gen_ai.operation.name" => (5, Some(value)),
            "openinference.span.kind" => (4, of_openinference(value)),
            "langfuse.observation.type" => (4, of_langfuse(value)),
            "ai.operationId" => (3, of_vercel(value)),
            "span.type" => (3, of_claude_code(value)),
            "traceloop.span.kind" => (2, of_traceloop(value)),
            "llm.request.type" => (1, of_request_type(value)),
            _ => return None,
        };
        Some(Self { strength, operation })
    }

    pub(super) fn stronger(one: Option<Self>, other: Self) -> Option<Self> {
        Some(one.filter(|one| one.strength >= other.strength).unwrap_or(other))
    }
}

fn of_openinference(kind: &str) -> Option<&'static str> {
    Some(match kind.to_ascii_uppercase().as_str() {
        "LLM" => "chat",
        "EMBEDDING" => "embeddings",
        "TOOL" => "execute_tool",
        "RETRIEVER" => "retrieval",
        "AGENT" => "invoke_agent",
        _ => return None,
    })
}

fn of_langfuse(kind: &str) -> Option<&'static str> {
    Some(match kind.to_ascii_lowercase().as_str() {
        "generation" => "chat",
        "embedding" => "embeddings",
        "tool" => "execute_tool",
        "retriever" => "retrieval",
        "agent" => "invoke_agent",
        _ => return None,
    })
}

/// Vercel's outer spans repeat the usage of the calls within them: those are the ones that `do` it.
fn of_vercel(id: &str) -> Option<&'static str> {
    Some(match id {
        "ai.toolCall" => "execute_tool",
        "ai.generateText" | "ai.streamText" | "ai.generateObject" | "ai.streamObject" => "invoke_agent",
        _ if id.ends_with(".doGenerate") || id.ends_with(".doStream") => "chat",
        _ if id.ends_with(".doEmbed") => "embeddings",
        _ => return None,
    })
}

fn of_claude_code(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "llm_request" => "chat",
        "tool" => "execute_tool",
        "interaction" => "invoke_agent",
        _ => return None,
    })
}

fn of_traceloop(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "tool" => "execute_tool",
        "agent" => "invoke_agent",
        _ => return None,
    })
}

fn of_request_type(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "chat" => "chat",
        "completion" => "text_completion",
        "embedding" => "embeddings",
        _ => return None,
    })
}

/// Says what was done.
pub(super) fn operation<'a>(
    of: Of<'_>,
    kind: Option<Kind<'a>>,
    facts: &Facts<'a>,
    attributes: &'a [KeyValue<'a>],
) -> Option<&'a str> {
    if let Some(kind) = kind {
        return kind.operation;
    }
    if let Some((operation, ..)) = of_event(of.name, attributes) {
        return Some(operation);
    }
    // Libraries that say no kind: a tool is named, or a client asks a model and says what it used.
    if facts.has(Slot::ToolName) && !facts.has(Slot::InputTokens) {
        return Some("execute_tool");
    }
    let has_model = facts.has(Slot::RequestModel) || facts.has(Slot::ResponseModel);
    let calls = of.is_client && has_model && facts.has(Slot::InputTokens) && !facts.has(Slot::AgentName);
    calls.then_some("chat")
}

/// Events by which agents of the command line tell of a call of a model or a tool: what was done, and whether it failed.
pub(in crate::ingest::otlp) fn of_event(name: &str, attributes: &[KeyValue<'_>]) -> Option<(&'static str, bool)> {
    let failed = || {
        let success = attributes.iter().find(|attribute| attribute.key == "success").map(|attribute| &attribute.value);
        matches!(success, Some(Any::Bool(false))) || success.and_then(Any::text) == Some("false")
    };
    Some(match name {
        "claude_code.api_request" | "gemini_cli.api_response" => ("chat", false),
        "claude_code.api_error" | "gemini_cli.api_error" => ("chat", true),
        "claude_code.tool_result" | "codex.tool_result" | "gemini_cli.tool_call" => ("execute_tool", failed()),
        // Codex tells of each event of a stream; the last one says what the call used.
        "codex.sse_event" if find_text(attributes, "event.kind") == Some("response.completed") => ("chat", false),
        _ => return None,
    })
}

/// Whether what has this name uses names that say little by themselves.
pub(super) fn has_bare_names(name: &str) -> bool {
    ["claude_code.", "codex.", "gemini_cli."].iter().any(|begin| name.starts_with(begin))
}
