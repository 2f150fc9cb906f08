//! The table of aliases: which attribute, of which convention, says what.

use std::sync::LazyLock;

use super::Value;
use super::hasher::Table;
use crate::ingest::messages::Side;
use crate::ingest::otlp::model::Any;

/// The version of the table: of the conventions as they stood then.
#[cfg_attr(not(test), expect(dead_code, reason = "documented, and held against the guide by a test"))]
pub(in crate::ingest::otlp) const VERSION: &str = "2026-11";

macro_rules! slots {
    ($($slot:ident = $name:literal;)*) => {
        /// What an attribute says, whatever it is called.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Slot { $($slot),* }

        impl Slot {
            pub(super) const ALL: [Self; SLOTS] = [$(Self::$slot),*];

            /// Returns the canonical name.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$slot => $name),* }
            }
        }

        pub(super) const SLOTS: usize = [$($name),*].len();
    };
}

slots! {
    Provider = "gen_ai.provider.name";
    RequestModel = "gen_ai.request.model";
    ResponseModel = "gen_ai.response.model";
    ResponseId = "gen_ai.response.id";
    FinishReasons = "gen_ai.response.finish_reasons";
    FirstChunk = "gen_ai.response.time_to_first_chunk";
    InputTokens = "gen_ai.usage.input_tokens";
    OutputTokens = "gen_ai.usage.output_tokens";
    CacheReadTokens = "gen_ai.usage.cache_read.input_tokens";
    CacheCreationTokens = "gen_ai.usage.cache_creation.input_tokens";
    ReasoningTokens = "gen_ai.usage.reasoning.output_tokens";
    Cost = "gen_ai.usage.cost";
    ToolName = "gen_ai.tool.name";
    ToolCallId = "gen_ai.tool.call.id";
    ToolArguments = "gen_ai.tool.call.arguments";
    ToolResult = "gen_ai.tool.call.result";
    AgentName = "gen_ai.agent.name";
    ConversationId = "gen_ai.conversation.id";
    DataSource = "gen_ai.data_source.id";
}

impl Slot {
    /// Whether it is what a call used, which a span may repeat of those within it.
    pub(super) const fn is_usage(self) -> bool {
        matches!(
            self,
            Self::InputTokens
                | Self::OutputTokens
                | Self::CacheReadTokens
                | Self::CacheCreationTokens
                | Self::ReasoningTokens
                | Self::Cost
        )
    }
}

/// How a value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Text,
    /// A text of which the part before the first `.` counts: `openai.chat`.
    Provider,
    /// A text, to be in a list of its own.
    Listed,
    Count,
    Number,
    /// Milliseconds, to be seconds.
    Millis,
    /// As it is.
    Any,
    /// A text of JSON, of usage or of cost.
    Details,
}

/// An attribute that says what a canonical name says.
#[derive(Debug)]
pub(super) struct Alias {
    pub(super) slot: Slot,
    pub(super) how: How,
    /// Its place in the table: of two the first counts.
    pub(super) rank: usize,
}

use How::{Any as AsIs, Count, Details, Listed, Millis, Number, Provider, Text};

/// Attributes by name, the newer conventions first.
#[rustfmt::skip]
const TABLE: &[(&str, Slot, How)] = &[
    // OpenTelemetry, as docs/events.md has them.
    ("gen_ai.provider.name", Slot::Provider, Text),
    ("gen_ai.request.model", Slot::RequestModel, Text),
    ("gen_ai.response.model", Slot::ResponseModel, Text),
    ("gen_ai.response.id", Slot::ResponseId, Text),
    ("gen_ai.response.finish_reasons", Slot::FinishReasons, AsIs),
    ("gen_ai.response.time_to_first_chunk", Slot::FirstChunk, Number),
    ("gen_ai.usage.input_tokens", Slot::InputTokens, Count),
    ("gen_ai.usage.output_tokens", Slot::OutputTokens, Count),
    ("gen_ai.usage.cache_read.input_tokens", Slot::CacheReadTokens, Count),
    ("gen_ai.usage.cache_creation.input_tokens", Slot::CacheCreationTokens, Count),
    ("gen_ai.usage.reasoning.output_tokens", Slot::ReasoningTokens, Count),
    ("gen_ai.usage.cost", Slot::Cost, Number),
    ("gen_ai.tool.name", Slot::ToolName, Text),
    ("gen_ai.tool.call.id", Slot::ToolCallId, Text),
    ("gen_ai.tool.call.arguments", Slot::ToolArguments, AsIs),
    ("gen_ai.tool.call.result", Slot::ToolResult, AsIs),
    ("gen_ai.agent.name", Slot::AgentName, Text),
    ("gen_ai.conversation.id", Slot::ConversationId, Text),
    ("gen_ai.data_source.id", Slot::DataSource, Text),
    // OpenTelemetry before 1.37, and what libraries made of it.
    ("gen_ai.system", Slot::Provider, Provider),
    ("gen_ai.usage.prompt_tokens", Slot::InputTokens, Count),
    ("gen_ai.usage.completion_tokens", Slot::OutputTokens, Count),
    ("gen_ai.usage.cache_read_input_tokens", Slot::CacheReadTokens, Count),
    ("gen_ai.usage.cache_creation_input_tokens", Slot::CacheCreationTokens, Count),
    ("gen_ai.usage.reasoning_tokens", Slot::ReasoningTokens, Count),
    ("gen_ai.usage.total_cost", Slot::Cost, Number),
    ("gen_ai.response.time_to_first_token", Slot::FirstChunk, Number),
    ("gen_ai.server.time_to_first_token", Slot::FirstChunk, Number),
    ("gen_ai.response.finish_reason", Slot::FinishReasons, Listed),
    ("gen_ai.completion.0.finish_reason", Slot::FinishReasons, Listed),
    // Pydantic AI and Logfire.
    ("operation.cost", Slot::Cost, Number),
    ("gen_ai.usage.details.cache_read_tokens", Slot::CacheReadTokens, Count),
    ("gen_ai.usage.details.cache_write_tokens", Slot::CacheCreationTokens, Count),
    ("gen_ai.usage.details.reasoning_tokens", Slot::ReasoningTokens, Count),
    ("agent_name", Slot::AgentName, Text),
    ("model_name", Slot::RequestModel, Text),
    ("tool_arguments", Slot::ToolArguments, AsIs),
    ("tool_response", Slot::ToolResult, AsIs),
    // Langfuse.
    ("langfuse.observation.model.name", Slot::RequestModel, Text),
    ("langfuse.observation.usage_details", Slot::InputTokens, Details),
    ("langfuse.observation.cost_details", Slot::Cost, Details),
    // OpenInference.
    ("llm.provider", Slot::Provider, Text),
    ("llm.system", Slot::Provider, Text),
    ("llm.model_name", Slot::RequestModel, Text),
    ("embedding.model_name", Slot::RequestModel, Text),
    ("llm.token_count.prompt", Slot::InputTokens, Count),
    ("llm.token_count.completion", Slot::OutputTokens, Count),
    ("llm.token_count.prompt_details.cache_read", Slot::CacheReadTokens, Count),
    ("llm.token_count.prompt_details.cache_write", Slot::CacheCreationTokens, Count),
    ("llm.token_count.completion_details.reasoning", Slot::ReasoningTokens, Count),
    ("llm.cost.total", Slot::Cost, Number),
    ("tool.name", Slot::ToolName, Text),
    ("tool_call.id", Slot::ToolCallId, Text),
    ("tool_call.function.name", Slot::ToolName, Text),
    ("agent.name", Slot::AgentName, Text),
    // Vercel's AI SDK.
    ("ai.response.model", Slot::ResponseModel, Text),
    ("ai.response.id", Slot::ResponseId, Text),
    ("ai.response.finishReason", Slot::FinishReasons, Listed),
    ("ai.response.msToFirstChunk", Slot::FirstChunk, Millis),
    ("ai.model.id", Slot::RequestModel, Text),
    ("ai.model.provider", Slot::Provider, Provider),
    ("ai.usage.inputTokens", Slot::InputTokens, Count),
    ("ai.usage.promptTokens", Slot::InputTokens, Count),
    ("ai.usage.tokens", Slot::InputTokens, Count),
    ("ai.usage.outputTokens", Slot::OutputTokens, Count),
    ("ai.usage.completionTokens", Slot::OutputTokens, Count),
    ("ai.usage.cachedInputTokens", Slot::CacheReadTokens, Count),
    ("ai.usage.reasoningTokens", Slot::ReasoningTokens, Count),
    ("ai.toolCall.name", Slot::ToolName, Text),
    ("ai.toolCall.id", Slot::ToolCallId, Text),
    ("ai.toolCall.args", Slot::ToolArguments, AsIs),
    ("ai.toolCall.result", Slot::ToolResult, AsIs),
    // Traceloop's OpenLLMetry.
    ("llm.vendor", Slot::Provider, Text),
    ("llm.request.model", Slot::RequestModel, Text),
    ("llm.response.model", Slot::ResponseModel, Text),
    ("llm.usage.prompt_tokens", Slot::InputTokens, Count),
    ("llm.usage.completion_tokens", Slot::OutputTokens, Count),
    ("llm.usage.cache_read_input_tokens", Slot::CacheReadTokens, Count),
    ("llm.usage.cache_creation_input_tokens", Slot::CacheCreationTokens, Count),
    ("llm.response.finish_reason", Slot::FinishReasons, Listed),
];

/// Names that say so little that they are read only where it is known who says them: agents of the command line, by the name of their
/// events and spans.
#[rustfmt::skip]
const BARE: &[(&str, Slot, How)] = &[
    // Claude Code.
    ("model", Slot::RequestModel, Text),
    ("input_tokens", Slot::InputTokens, Count),
    ("output_tokens", Slot::OutputTokens, Count),
    ("cache_read_tokens", Slot::CacheReadTokens, Count),
    ("cache_creation_tokens", Slot::CacheCreationTokens, Count),
    ("cost_usd", Slot::Cost, Number),
    ("ttft_ms", Slot::FirstChunk, Millis),
    ("stop_reason", Slot::FinishReasons, Listed),
    ("tool_name", Slot::ToolName, Text),
    ("tool_use_id", Slot::ToolCallId, Text),
    // Codex. What came from the cache is part of what went in.
    ("input_token_count", Slot::InputTokens, Count),
    ("output_token_count", Slot::OutputTokens, Count),
    ("cached_token_count", Slot::CacheReadTokens, Count),
    ("reasoning_token_count", Slot::ReasoningTokens, Count),
    ("call_id", Slot::ToolCallId, Text),
    ("arguments", Slot::ToolArguments, AsIs),
    ("conversation.id", Slot::ConversationId, Text),
    // Gemini CLI.
    ("cached_content_token_count", Slot::CacheReadTokens, Count),
    ("thoughts_token_count", Slot::ReasoningTokens, Count),
    ("function_name", Slot::ToolName, Text),
];

/// Attributes that have all messages of one side, the newer conventions first. The canonical names are not here: what has them needs no other.
#[rustfmt::skip]
const MESSAGES: &[(&str, Side)] = &[
    // Langfuse.
    ("langfuse.observation.input", Side::Input),
    ("langfuse.observation.output", Side::Output),
    // Vercel's AI SDK.
    ("ai.prompt.messages", Side::Input),
    ("ai.prompt", Side::Input),
    // OpenTelemetry before 1.28.
    ("gen_ai.prompt", Side::Input),
    ("gen_ai.completion", Side::Output),
    // Sentry.
    ("gen_ai.request.messages", Side::Input),
    ("gen_ai.response.text", Side::Output),
    // OpenInference, where it says no single messages.
    ("input.value", Side::Input),
    ("output.value", Side::Output),
];

/// Attributes that are a field of a message each, by what stands before the message's number.
#[rustfmt::skip]
const MESSAGE_FIELDS: &[(&str, Side)] = &[
    // OpenInference.
    ("llm.input_messages.", Side::Input),
    ("llm.output_messages.", Side::Output),
    // Traceloop's OpenLLMetry, newer and older.
    ("gen_ai.prompt.", Side::Input),
    ("gen_ai.completion.", Side::Output),
    ("llm.prompts.", Side::Input),
    ("llm.completions.", Side::Output),
];

/// Attributes that are a field of the one message that a model came to: Vercel's AI SDK.
#[rustfmt::skip]
const ANSWER_FIELDS: &[(&str, &str)] = &[
    ("ai.response.text", "content"),
    ("ai.response.object", "content"),
    ("ai.response.toolCalls", "tool_calls"),
];

/// What an attribute says of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageAlias<'k> {
    /// All of them. Of two the one with the lower rank counts.
    Whole { side: Side, rank: usize },
    /// A field of one.
    Field { side: Side, message: usize, path: &'k str },
}

/// Returns what an attribute of this name says of messages.
pub(super) fn message(name: &str) -> Option<MessageAlias<'_>> {
    if let Some(rank) = MESSAGES.iter().position(|(known, _)| *known == name) {
        return Some(MessageAlias::Whole { side: MESSAGES[rank].1, rank });
    }
    if let Some((_, path)) = ANSWER_FIELDS.iter().find(|(known, _)| *known == name) {
        return Some(MessageAlias::Field { side: Side::Output, message: 0, path });
    }
    let (rest, side) = MESSAGE_FIELDS.iter().find_map(|(begin, side)| Some((name.strip_prefix(begin)?, *side)))?;
    let (message, path) = rest.split_once('.')?;
    Some(MessageAlias::Field { side, message: message.parse().ok()?, path })
}

/// The aliases of `BARE` that count tokens apart from `input_tokens`: Claude Code's.
const APART: [&str; 2] = ["cache_read_tokens", "cache_creation_tokens"];

type Index = Table<&'static str, Alias>;

static BY_NAME: LazyLock<Index> = LazyLock::new(|| index(TABLE, 0));
static BARE_BY_NAME: LazyLock<Index> = LazyLock::new(|| index(BARE, TABLE.len()));

fn index(table: &[(&'static str, Slot, How)], first: usize) -> Index {
    let ranked = table.iter().zip(first..);
    ranked.map(|((name, slot, how), rank)| (*name, Alias { slot: *slot, how: *how, rank })).collect()
}

/// Returns whether a name may be in the table, without looking it up: most attributes are of HTTP and databases.
#[inline]
pub(super) fn may_be_one(name: &str) -> bool {
    const BEGINS: [&str; 14] = [
        "gen_ai.",
        "llm.",
        "ai.",
        "langfuse.",
        "openinference.",
        "traceloop.",
        "tool",
        "agent",
        "embedding.",
        "model_name",
        "operation.",
        "span.type",
        "input.value",
        "output.value",
    ];
    matches!(name.as_bytes().first(), Some(b'g' | b'l' | b'a' | b'o' | b't' | b'e' | b'm' | b's' | b'i'))
        && BEGINS.iter().any(|begin| name.starts_with(begin))
}

/// Returns what an attribute of this name says.
pub(super) fn find(name: &str) -> Option<&'static Alias> {
    BY_NAME.get(name)
}

/// Returns what an attribute of this name says where agents of the command line say it.
pub(super) fn bare(name: &str) -> Option<&'static Alias> {
    BARE_BY_NAME.get(name)
}

/// Returns whether the alias of this rank counts tokens apart from those that went in.
pub(super) fn is_apart(rank: usize) -> bool {
    rank.checked_sub(TABLE.len()).and_then(|place| BARE.get(place)).is_some_and(|(name, ..)| APART.contains(name))
}

impl How {
    /// Reads a value; `None` where it is none of the kind.
    pub(super) fn read<'a>(self, value: &'a Any<'a>) -> Option<Value<'a>> {
        Some(match self {
            Self::Text => Value::Text(value.text()?),
            Self::Provider => {
                Value::Text(value.text()?.split('.').next().filter(|name| *name != "az").or(value.text())?)
            }
            Self::Listed => Value::Listed(value.text()?),
            Self::Count => Value::Count(value.number().and_then(count)?),
            Self::Number => Value::Number(value.number().filter(|number| *number >= 0.0)?),
            Self::Millis => Value::Number(value.number().filter(|number| *number >= 0.0)? / 1e3),
            Self::Any => Value::Any(value),
            Self::Details => return None,
        })
    }
}

/// Reads a count: a whole number that is not negative.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was looked at before")]
pub(super) fn count(number: f64) -> Option<u64> {
    (0.0..9e15).contains(&number).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_is_there_once_and_is_not_passed_over() {
        assert_eq!(BY_NAME.len(), TABLE.len());
        assert_eq!(BARE_BY_NAME.len(), BARE.len());
        let messages = MESSAGES.iter().chain(MESSAGE_FIELDS).map(|(name, _)| name);
        for name in
            TABLE.iter().map(|(name, ..)| name).chain(messages).chain(ANSWER_FIELDS.iter().map(|(name, _)| name))
        {
            assert!(may_be_one(name), "{name}");
        }
    }

    #[test]
    fn the_guide_names_the_version_of_the_table() {
        assert!(include_str!("../../../../../../docs/ingest-otlp.md").contains(VERSION));
    }
}
