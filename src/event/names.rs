//! Names of events that have a meaning of their own.

/// An error that is the user's: status 4xx, or marked as such.
pub const USER_ERROR: &str = "user_error";
/// What was dropped since the last such event, by reason.
pub const TELEMETRY_DROPPED: &str = "telemetry.dropped";
/// Where a session runs, said once, at its start.
pub const SESSION_ENVIRONMENT: &str = "session.environment";
/// Which bucket the user of the session is in, and with consent who that is.
pub const SESSION_USER: &str = "session.user";
/// A session that never ended was found in a spool and delivered by a later process.
pub const SESSION_RECOVERED: &str = "session.recovered";

/// The field of an event's data that says which share of the events of its name are reported.
pub const SAMPLE_RATE: &str = "sample_rate";

// What follows is told field by field in docs/events.md.

/// A span of a trace began.
pub const SPAN_START: &str = "span.start";
/// A span of a trace ended: it says all that is known of the span.
pub const SPAN_END: &str = "span.end";
/// Something was done, and somebody else has timed it: like the end of a span, without a place in a trace.
pub const OPERATION: &str = "operation";
/// Points of metrics, aggregated over an interval.
pub const METRICS: &str = "metrics";
/// An error that the program has dealt with, and tells of.
pub const ERROR: &str = "error";
/// A conversation of a person with the program began.
pub const CONVERSATION_START: &str = "conversation.start";
/// Somebody said something in a conversation.
pub const CONVERSATION_MESSAGE: &str = "conversation.message";
/// A conversation ended.
pub const CONVERSATION_END: &str = "conversation.end";
/// What the names of all events of a run begin with; behind it stands the type of the run's event.
pub const RUN_PREFIX: &str = "run.";

/// The field with the id of a trace: 32 hexadecimal digits.
pub const TRACE_ID: &str = "trace_id";
/// The field with the id of a span, or of the span that an event happened in: 16 hexadecimal digits.
pub const SPAN_ID: &str = "span_id";
/// The field with the id of the span that a span is within.
pub const PARENT_SPAN_ID: &str = "parent_span_id";
/// The field with the name of a span.
pub const SPAN_NAME: &str = "span_name";
/// The field with the kind of a span, as OpenTelemetry has it: `internal`, `client`, `server`, `producer` or `consumer`.
pub const SPAN_KIND: &str = "span_kind";
/// The field with how long something took, in milliseconds.
pub const DURATION_MS: &str = "duration_ms";
/// The field that says how something ended: `ok` or `error`.
pub const STATUS: &str = "status";
/// The field with the type of the error that something ended with.
pub const ERROR_TYPE: &str = "error.type";
/// The field with what that error says.
pub const ERROR_MESSAGE: &str = "error.message";
/// The field with the id of the run that something belongs to.
pub const RUN_ID: &str = "run_id";
/// The field with how many attributes of a span there was no room for.
pub const ATTRIBUTES_DROPPED: &str = "attributes_dropped";
/// The field with the number of an attempt, from 1.
pub const ATTEMPT: &str = "attempt";

/// The field with how many characters or tokens a model was given.
pub const PROMPT_LENGTH: &str = "prompt_length";
/// The field with how many characters or tokens a model answered.
pub const RESPONSE_LENGTH: &str = "response_length";
/// The field with how many documents were retrieved.
pub const DOCUMENTS: &str = "documents";
/// The field with what was done to a memory: `add`, `get`, `clear`.
pub const MEMORY_OPERATION: &str = "memory.operation";
/// The field with what there was to choose from, a list.
pub const DECISION_CHOICES: &str = "decision.choices";
/// The field with what was chosen.
pub const DECISION_SELECTED: &str = "decision.selected";

/// Names of fields as OpenTelemetry's conventions for generative AI have them; and, where they have none, as they would.
pub mod gen_ai {
    /// What is done: `chat`, `embeddings`, `execute_tool`, `retrieval`, `invoke_agent`; ours are `memory` and `decision`.
    pub const OPERATION_NAME: &str = "gen_ai.operation.name";
    /// Who offers the model: `openai`, `anthropic`.
    pub const PROVIDER_NAME: &str = "gen_ai.provider.name";
    /// The model that was asked for.
    pub const REQUEST_MODEL: &str = "gen_ai.request.model";
    /// The model that answered.
    pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
    /// The id that the answer has at the provider.
    pub const RESPONSE_ID: &str = "gen_ai.response.id";
    /// Why the model stopped, a list.
    pub const RESPONSE_FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
    /// How long it took until the first piece of the answer was there, in seconds.
    pub const RESPONSE_TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
    /// Tokens that went in.
    pub const USAGE_INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
    /// Tokens that came out.
    pub const USAGE_OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
    /// What it cost, in dollars of the United States. OpenTelemetry has no name for it.
    pub const USAGE_COST: &str = "gen_ai.usage.cost";
    /// The id of a conversation.
    pub const CONVERSATION_ID: &str = "gen_ai.conversation.id";
    /// The name of a tool.
    pub const TOOL_NAME: &str = "gen_ai.tool.name";
    /// The id that the model has given the call of a tool.
    pub const TOOL_CALL_ID: &str = "gen_ai.tool.call.id";
    /// What a tool was given. Only where that was asked for.
    pub const TOOL_CALL_ARGUMENTS: &str = "gen_ai.tool.call.arguments";
    /// What a tool came to. Only where that was asked for.
    pub const TOOL_CALL_RESULT: &str = "gen_ai.tool.call.result";
    /// What the model was given. Only where that was asked for.
    pub const INPUT_MESSAGES: &str = "gen_ai.input.messages";
    /// What the model said. Only where that was asked for.
    pub const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
    /// The name of an agent.
    pub const AGENT_NAME: &str = "gen_ai.agent.name";
    /// The place that something was retrieved from.
    pub const DATA_SOURCE_ID: &str = "gen_ai.data_source.id";
}
