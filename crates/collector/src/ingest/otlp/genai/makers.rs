//! Whose a model is, for calls that name no provider.

/// Whose model it is, by the beginning of its name, for whoever says none. Models that many offer by the same name are not here.
#[rustfmt::skip]
const MAKERS: &[(&str, &str)] = &[
    ("gpt-oss", ""),
    ("gpt-", "openai"), ("chatgpt-", "openai"), ("o1", "openai"), ("o3", "openai"), ("o4", "openai"),
    ("text-embedding-3-", "openai"), ("text-embedding-ada-", "openai"),
    ("claude-", "anthropic"),
    ("gemini-", "gcp.gemini"),
    ("mistral-", "mistral_ai"), ("ministral-", "mistral_ai"), ("magistral-", "mistral_ai"), ("codestral-", "mistral_ai"),
    ("devstral-", "mistral_ai"), ("pixtral-", "mistral_ai"),
    ("deepseek-chat", "deepseek"), ("deepseek-reasoner", "deepseek"),
    ("grok-", "x_ai"),
    ("command-", "cohere"), ("embed-english-", "cohere"), ("embed-multilingual-", "cohere"), ("embed-v", "cohere"),
];

/// Returns whose a model is, by its name alone.
pub(super) fn maker(model: &str) -> Option<&'static str> {
    let model = model.rsplit('/').next().unwrap_or(model);
    let is = |begin: &&(&str, &str)| {
        // `o3-mini`, and not `o3de`.
        model.strip_prefix(begin.0).is_some_and(|rest| begin.0.len() > 2 || rest.is_empty() || rest.starts_with('-'))
    };
    MAKERS.iter().find(is).map(|(_, maker)| *maker).filter(|maker| !maker.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_says_whose_it_is_where_its_name_is_one_makers_alone() {
        for (model, whose) in [
            ("gpt-4o-mini", Some("openai")),
            ("o3-mini", Some("openai")),
            ("anthropic/claude-sonnet-4-5", Some("anthropic")),
            ("gemini-2.5-pro", Some("gcp.gemini")),
            ("grok-4", Some("x_ai")),
            ("gpt-oss-120b", None),
            ("o3de", None),
            ("llama-3.3-70b-versatile", None),
            ("", None),
        ] {
            assert_eq!(maker(model), whose, "{model}");
        }
    }
}
