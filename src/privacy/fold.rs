//! Values of which there are few, in place of values of which there may be any number.
//!
//! A system that counts keeps a row for each value. Names of tools and models come from elsewhere, and have no end.

use super::checked::SafeStr;

/// What stands for every tool that is not the program's own.
pub const EXTERNAL_TOOL: SafeStr<'static> = SafeStr::known("external");

/// Returns the name of a tool if it is one of the program's own, and `external` for every other: its name may say who uses it.
///
/// ```
/// use lastword::privacy::fold_tool;
/// const OWN: [&str; 2] = ["bash", "read_file"];
/// assert_eq!(fold_tool("bash", &OWN).as_str(), "bash");
/// assert_eq!(fold_tool("mcp__acme-payroll__list", &OWN).as_str(), "external");
/// ```
#[must_use]
pub fn fold_tool<'n>(name: &'n str, own: &[&str]) -> SafeStr<'n> {
    if own.contains(&name) { SafeStr::new(name).unwrap_or(EXTERNAL_TOOL) } else { EXTERNAL_TOOL }
}

/// Families of models: what their names have in them, in the order of the most to the least telling.
const MODELS: [(&str, &str); 22] = [
    ("opus", "claude-opus"),
    ("sonnet", "claude-sonnet"),
    ("haiku", "claude-haiku"),
    ("claude", "claude"),
    ("gpt-4o-mini", "gpt-4o-mini"),
    ("gpt-4o", "gpt-4o"),
    ("gpt-4.1", "gpt-4.1"),
    ("gpt-4", "gpt-4"),
    ("gpt-3.5", "gpt-3.5"),
    ("gpt-5", "gpt-5"),
    ("gpt-oss", "gpt-oss"),
    ("gpt", "gpt"),
    ("gemini", "gemini"),
    ("gemma", "gemma"),
    ("llama", "llama"),
    ("mixtral", "mixtral"),
    ("mistral", "mistral"),
    ("deepseek", "deepseek"),
    ("qwen", "qwen"),
    ("grok", "grok"),
    ("kimi", "kimi"),
    ("command-r", "command-r"),
];

/// Returns the family of a model by its name, and `other` for one that is not known: names carry dates, sizes, and those of
/// who has tuned them.
///
/// ```
/// use lastword::privacy::fold_model;
/// let folded = |name| fold_model(name).as_str();
/// assert_eq!(folded("claude-3-5-sonnet-20241022"), "claude-sonnet");
/// assert_eq!(folded("openai/gpt-4o-mini-2024-07-18"), "gpt-4o-mini");
/// assert_eq!(folded("Meta-Llama-3.1-70B-Instruct"), "llama");
/// assert_eq!(folded("acme-internal-7"), "other");
/// ```
#[must_use]
pub fn fold_model(name: &str) -> SafeStr<'static> {
    let has = |part: &str| name.as_bytes().windows(part.len()).any(|at| at.eq_ignore_ascii_case(part.as_bytes()));
    let family = MODELS.iter().find(|(part, _)| has(part)).map_or("other", |(_, family)| family);
    SafeStr::known(family)
}

/// Returns the range of a status of HTTP: `2xx` for 204; `other` for what is none.
///
/// ```
/// use lastword::privacy::http_status_range;
/// assert_eq!([204, 302, 404, 503, 0].map(|status| http_status_range(status).as_str()), ["2xx", "3xx", "4xx", "5xx", "other"]);
/// ```
#[must_use]
pub const fn http_status_range(status: u16) -> SafeStr<'static> {
    SafeStr::known(match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "other",
    })
}

/// Returns the extension of a path's last name, in small letters, and nothing else of it; `None` if it has none, or one that
/// is no word of at most ten characters.
///
/// ```
/// use lastword::privacy::path_extension;
/// assert_eq!(path_extension("/home/ada/plan.final.PDF").as_deref(), Some("pdf"));
/// assert_eq!([path_extension("/home/ada/.ssh"), path_extension("C:\\x.d\\y"), path_extension("a.b c")], [None, None, None]);
/// ```
#[must_use]
pub fn path_extension(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    let is_word = (1..=10).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (!stem.is_empty() && is_word).then(|| extension.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_elsewhere_become_few() {
        let own = ["bash", "a/b"];
        assert_eq!(
            ["bash", "mcp__acme__list", "Bash", ""].map(|name| fold_tool(name, &own).as_str()),
            ["bash", "external", "external", "external"]
        );
        assert_eq!(fold_tool("a/b", &own), EXTERNAL_TOOL, "what is no name is nobody's own");
        for (name, family) in [
            ("claude-opus-4-1", "claude-opus"),
            ("anthropic.claude-v2:1", "claude"),
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("gpt-4-turbo", "gpt-4"),
            ("GEMINI-2.5-PRO", "gemini"),
            ("Mixtral-8x7B", "mixtral"),
            ("", "other"),
            ("ft:acme:secret-project", "other"),
        ] {
            assert_eq!(fold_model(name).as_str(), family, "{name}");
        }
        // Every family is a name, and found by itself.
        for (_, family) in MODELS {
            assert!(SafeStr::new(family).is_ok());
            assert_eq!(fold_model(family).as_str(), family);
        }
        assert_eq!(
            [99, 100, 299, 599, 600].map(|status| http_status_range(status).as_str()),
            ["other", "1xx", "2xx", "5xx", "other"]
        );
    }
}
