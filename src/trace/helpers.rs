//! Spans of what agents do, with the names that OpenTelemetry's conventions for generative AI have for it.
//!
//! Each is a [`Span`] that knows its attributes by their types: what is not set is left out, and 0 is a value like any other.

use std::ops::{Deref, DerefMut};

use serde::Serialize;
use serde_json::Value;

use super::attributes::Attributes;
use super::open::SpanKind;
use super::span::{Beginning, Span};
use crate::Reporter;
use crate::event::names::{self, gen_ai};
use crate::privacy::ToolInput;

macro_rules! helper {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[must_use = "a span ends when it is dropped: keep it for as long as what it is about lasts"]
        pub struct $name(Span);

        impl $name {
            /// Ends it, as dropping it does.
            pub fn end(self) {}
        }

        impl Deref for $name {
            type Target = Span;

            fn deref(&self) -> &Span {
                &self.0
            }
        }

        impl DerefMut for $name {
            fn deref_mut(&mut self) -> &mut Span {
                &mut self.0
            }
        }

        impl From<$name> for Span {
            fn from(helper: $name) -> Self {
                helper.0
            }
        }
    };
}

helper!(
    /// A call of a model: [`Reporter::model_call`].
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink.clone()).start()?;
    /// let mut call = reporter.model_call("openai", "gpt-4o");
    /// // .. the request is sent, and the first piece of the answer comes in ..
    /// call.first_chunk();
    /// call.response_model("gpt-4o-2024-08-06").response_id("chatcmpl-123").finish_reason("stop");
    /// call.usage(1_200, 0).cost(0.003).attempt(2);
    /// call.end();
    /// # reporter.blocking_stop(std::time::Duration::from_secs(5));
    /// let ended = &sink.events()[2]["event_data"];
    /// assert_eq!(ended["span_name"], "chat gpt-4o");
    /// assert_eq!(ended["gen_ai.usage.output_tokens"], 0);
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    ModelCall
);

impl ModelCall {
    /// Says what the model is asked for, where that is not `chat`: `embeddings`, `text_completion`, `generate_content`.
    pub fn operation(&mut self, operation: &'static str) -> &mut Self {
        let Some(open) = self.0.open() else { return self };
        let model = open.attributes_mut().get(gen_ai::REQUEST_MODEL).and_then(Value::as_str).unwrap_or_default();
        let name = [operation, " ", model].concat();
        open.rename(name.into());
        self.name(gen_ai::OPERATION_NAME, operation)
    }

    /// Says how many tokens went in, and how many came out.
    pub fn usage(&mut self, input_tokens: u64, output_tokens: u64) -> &mut Self {
        self.put(gen_ai::USAGE_INPUT_TOKENS, input_tokens).put(gen_ai::USAGE_OUTPUT_TOKENS, output_tokens)
    }

    /// Says what it cost, in dollars of the United States. What is negative or no number is no price, and is left out.
    pub fn cost(&mut self, dollars: f64) -> &mut Self {
        if dollars.is_finite() && dollars >= 0.0 { self.put(gen_ai::USAGE_COST, dollars) } else { self }
    }

    /// Names the model that answered.
    pub fn response_model(&mut self, model: &str) -> &mut Self {
        self.name(gen_ai::RESPONSE_MODEL, model)
    }

    /// Says which id the answer has at the provider.
    pub fn response_id(&mut self, id: &str) -> &mut Self {
        self.name(gen_ai::RESPONSE_ID, id)
    }

    /// Says why the model stopped.
    pub fn finish_reason(&mut self, reason: &str) -> &mut Self {
        self.finish_reasons([reason])
    }

    /// Says why the model stopped, for each of several answers.
    pub fn finish_reasons<'r>(&mut self, reasons: impl IntoIterator<Item = &'r str>) -> &mut Self {
        if let Some(open) = self.0.open() {
            open.attributes_mut().set_name(gen_ai::RESPONSE_FINISH_REASONS, reasons.into_iter().collect::<Value>());
        }
        self
    }

    /// Says that the first piece of the answer is there, now. Called again, it says nothing.
    pub fn first_chunk(&mut self) -> &mut Self {
        let now = self.0.reporter().instant();
        if let Some(open) = self.0.open() {
            let waited = now.since(open.started).as_secs_f64();
            let attributes = open.attributes_mut();
            if attributes.get(gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK).is_none() {
                attributes.set_known(gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK, waited);
            }
        }
        self
    }

    /// Says which attempt it is, from 1. Each attempt is a call of its own.
    pub fn attempt(&mut self, attempt: u32) -> &mut Self {
        self.put(names::ATTEMPT, attempt)
    }

    /// Says how many characters the model was given.
    pub fn prompt_length(&mut self, chars: usize) -> &mut Self {
        self.put(names::PROMPT_LENGTH, chars)
    }

    /// Says how many characters the model answered.
    pub fn response_length(&mut self, chars: usize) -> &mut Self {
        self.put(names::RESPONSE_LENGTH, chars)
    }

    /// Gives what the model was given: reported where [`Privacy::model_content`](crate::privacy::Privacy::model_content) asks for
    /// it, and otherwise not even serialised.
    pub fn input<T: Serialize + ?Sized>(&mut self, messages: &T) -> &mut Self {
        self.content(gen_ai::INPUT_MESSAGES, messages)
    }

    /// Gives what the model answered, under the same condition.
    pub fn output<T: Serialize + ?Sized>(&mut self, messages: &T) -> &mut Self {
        self.content(gen_ai::OUTPUT_MESSAGES, messages)
    }

    fn content<T: Serialize + ?Sized>(&mut self, key: &'static str, messages: &T) -> &mut Self {
        if self.0.reporter().shows().models
            && let Some(open) = self.0.open()
        {
            open.set(key, messages);
        }
        self
    }

    fn put(&mut self, key: &'static str, value: impl Into<Value>) -> &mut Self {
        put(&mut self.0, key, value);
        self
    }

    fn name(&mut self, key: &'static str, name: &str) -> &mut Self {
        put_name(&mut self.0, key, name);
        self
    }
}

helper!(
    /// A call of a tool: [`Reporter::tool_call`].
    ///
    /// ```
    /// # let sink = lastword::testing::MemorySink::new();
    /// # let reporter = lastword::Reporter::builder("s").enabled(true).sink(sink.clone()).start()?;
    /// let mut call = reporter.tool_call("bash");
    /// call.call_id("call_7").arguments(&serde_json::json!({"command": "ls"}));
    /// call.fail_with("exit_status", "1");
    /// call.end();
    /// # reporter.blocking_stop(std::time::Duration::from_secs(5));
    /// let ended = &sink.events()[2]["event_data"];
    /// assert_eq!(ended["gen_ai.tool.name"], "bash");
    /// assert_eq!(ended.get("gen_ai.tool.call.arguments"), None, "nobody asked for them");
    /// # Ok::<(), lastword::StartError>(())
    /// ```
    ToolCall
);

impl ToolCall {
    /// Says which id the model has given the call.
    pub fn call_id(&mut self, id: &str) -> &mut Self {
        put_name(&mut self.0, gen_ai::TOOL_CALL_ID, id);
        self
    }

    /// Gives what the tool was given: an outline of it is reported where
    /// [`Privacy::tool_input`](crate::privacy::Privacy::tool_input) asks for it, and otherwise it is not even serialised.
    pub fn arguments<T: Serialize + ?Sized>(&mut self, arguments: &T) -> &mut Self {
        self.content(gen_ai::TOOL_CALL_ARGUMENTS, arguments)
    }

    /// Gives what the tool came to, under the same condition.
    pub fn result<T: Serialize + ?Sized>(&mut self, result: &T) -> &mut Self {
        self.content(gen_ai::TOOL_CALL_RESULT, result)
    }

    fn content<T: Serialize + ?Sized>(&mut self, key: &'static str, content: &T) -> &mut Self {
        if self.0.reporter().shows().tools
            && let Some(open) = self.0.open()
        {
            open.set(key, &ToolInput(content));
        }
        self
    }
}

helper!(
    /// Something was looked up: [`Reporter::retrieval`].
    Retrieval
);

impl Retrieval {
    /// Says how many documents were found.
    pub fn documents(&mut self, count: u64) -> &mut Self {
        put(&mut self.0, names::DOCUMENTS, count);
        self
    }
}

helper!(
    /// Something was done to a memory: [`Reporter::memory`].
    MemoryOperation
);

helper!(
    /// One of several was chosen: [`Reporter::decision`].
    Decision
);

impl Decision {
    /// Says what was chosen.
    pub fn selected(&mut self, choice: &str) -> &mut Self {
        put(&mut self.0, names::DECISION_SELECTED, choice);
        self
    }
}

helper!(
    /// The work of an agent, and of everything that it does for it: [`Reporter::agent`].
    Agent
);

fn put(span: &mut Span, key: &'static str, value: impl Into<Value>) {
    if let Some(open) = span.open() {
        open.attributes_mut().set_known(key, value);
    }
}

fn put_name(span: &mut Span, key: &'static str, name: &str) {
    if let Some(open) = span.open() {
        open.attributes_mut().set_name(key, name);
    }
}

/// What the span of an operation begins with.
fn operation(operation: &str, name: Option<&str>, attributes: &[(&'static str, &str)]) -> Beginning {
    let mut all = Box::<Attributes>::default();
    all.set_name(gen_ai::OPERATION_NAME, operation);
    for (key, name) in attributes {
        all.set_name(key, *name);
    }
    let span_name = name.map_or_else(|| operation.to_owned(), |name| [operation, " ", name].concat());
    (span_name.into(), Some(all))
}

fn decision<C: Into<String>>(choices: impl IntoIterator<Item = C>) -> Beginning {
    let (name, mut attributes) = operation("decision", None, &[]);
    let choices: Value = choices.into_iter().map(|choice| Value::String(choice.into())).collect();
    attributes.get_or_insert_default().set_known(names::DECISION_CHOICES, choices);
    (name, attributes)
}

macro_rules! helpers {
    ($on:ty, $within:literal) => {
        impl $on {
            #[doc = concat!("Begins a call of a model, within ", $within, ": who offers it, and which one is asked.")]
            pub fn model_call(&self, provider: &str, model: &str) -> ModelCall {
                ModelCall(self.begin(SpanKind::Client, || {
                    let attributes = [(gen_ai::PROVIDER_NAME, provider), (gen_ai::REQUEST_MODEL, model)];
                    operation("chat", Some(model), &attributes)
                }))
            }

            #[doc = concat!("Begins a call of a tool, within ", $within, ".")]
            pub fn tool_call(&self, tool: &str) -> ToolCall {
                let begin = || operation("execute_tool", Some(tool), &[(gen_ai::TOOL_NAME, tool)]);
                ToolCall(self.begin(SpanKind::Internal, begin))
            }

            #[doc = concat!("Begins to look something up in a source, within ", $within, ".")]
            pub fn retrieval(&self, source: &str) -> Retrieval {
                let begin = || operation("retrieval", Some(source), &[(gen_ai::DATA_SOURCE_ID, source)]);
                Retrieval(self.begin(SpanKind::Client, begin))
            }

            #[doc = concat!("Begins to do something to a memory (`add`, `get`, `clear`), within ", $within, ".")]
            pub fn memory(&self, what: &str) -> MemoryOperation {
                let begin = || operation("memory", Some(what), &[(names::MEMORY_OPERATION, what)]);
                MemoryOperation(self.begin(SpanKind::Internal, begin))
            }

            #[doc = concat!("Begins to choose one of several, within ", $within, ".")]
            pub fn decision<C: Into<String>>(&self, choices: impl IntoIterator<Item = C>) -> Decision {
                Decision(self.begin(SpanKind::Internal, || decision(choices)))
            }

            #[doc = concat!("Begins the work of an agent, within ", $within, ".")]
            pub fn agent(&self, name: &str) -> Agent {
                let begin = || operation("invoke_agent", Some(name), &[(gen_ai::AGENT_NAME, name)]);
                Agent(self.begin(SpanKind::Internal, begin))
            }
        }
    };
}

helpers!(Reporter, "the current span, or as a trace of its own where there is none");
helpers!(Span, "this span");
