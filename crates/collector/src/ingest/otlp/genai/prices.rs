//! What tokens cost, by model: a table in JSON, of which a small one is built in.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::hasher::Table;

/// Tokens of which the prices are named.
const TOKENS: f64 = 1e6;

/// A table of prices.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    /// Which table it is, by the day that it is of; it is told with every cost that was estimated by it.
    version: String,
    /// From where the prices are, for whoever reads the file.
    #[serde(default, rename = "source")]
    _source: IgnoredAny,
    /// By the name of the model, or the beginning of it.
    models: Table<String, Price>,
}

/// Dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    input: f64,
    #[serde(default)]
    output: f64,
    /// Of what came from a cache, which is part of the input; as other input where it is not named.
    cache_read: Option<f64>,
    /// Of what was put into a cache, likewise.
    cache_creation: Option<f64>,
}

/// Tokens of one call. What was read from a cache or written into it is part of `input`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) input: u64,
    pub(super) cache_read: u64,
    pub(super) cache_creation: u64,
    pub(super) output: u64,
}

/// A table of prices can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PricesError {
    /// The file can't be read.
    #[error("the table of prices {} can't be read: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is in the file is no table of prices.
    #[error("the table of prices {} is none: {reason}", path.display())]
    Bad {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Default for Prices {
    fn default() -> Self {
        // A test reads it; if it were ever broken nothing would be estimated.
        Self::parse(include_str!("prices.json")).unwrap_or_else(|_| Self {
            version: String::new(),
            _source: IgnoredAny,
            models: Table::default(),
        })
    }
}

impl Prices {
    /// Reads a table from a file.
    ///
    /// # Errors
    ///
    /// The file can't be read, or it has no table.
    pub(crate) fn load(path: &Path) -> Result<Self, PricesError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| PricesError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|reason| PricesError::Bad { path: path.to_owned(), reason })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let prices: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let bad = prices.models.iter().find(|(_, price)| !price.is_sound());
        match bad {
            Some((model, _)) => {
                Err(format!("a price of `{model}` is negative: prices are dollars for a million tokens"))
            }
            None => Ok(prices),
        }
    }

    /// Returns which table it is.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Returns the price of a model: of its own name, else of the name of which it is a dated version (`gpt-4o-2024-08-06` of `gpt-4o`,
    /// but not `gpt-4o-mini`, and `claude-opus-4-5` is not `claude-opus-4`). Who offers it (`openai/gpt-4o`) is passed over.
    pub(super) fn of(&self, model: &str) -> Option<&Price> {
        let model = model.rsplit('/').next().unwrap_or(model);
        let bedrock = ["anthropic.", "amazon.", "meta."].into_iter();
        let model = bedrock.filter_map(|vendor| model.rsplit_once(vendor)).next().map_or(model, |(_, name)| name);
        let versions = model.match_indices(['-', '@', ':']).filter(|(at, _)| is_version(&model[at + 1..]));
        let names = std::iter::once(model).chain(versions.map(|(at, _)| &model[..at]));
        names.filter_map(|name| self.models.get(name)).next()
    }
}

/// Whether what stands behind a model's name says which version of it it is: a date, a month of a year, a number of three digits, the latest.
fn is_version(text: &str) -> bool {
    let mut parts = text.split(['-', '@', ':']);
    let (first, second) = (parts.next().unwrap_or(text), parts.next().unwrap_or(""));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_month = first.len() == 2 && is_number(first) && second.len() == 4 && is_number(second);
    matches!(first, "latest" | "preview") || (first.len() >= 3 && is_number(first)) || is_month
}

impl Price {
    fn is_sound(&self) -> bool {
        [Some(self.input), Some(self.output), self.cache_read, self.cache_creation]
            .into_iter()
            .flatten()
            .all(|price| price >= 0.0)
    }

    /// Returns what a call cost, in dollars.
    #[allow(clippy::cast_precision_loss, reason = "what is beyond 53 bits is no number of tokens")]
    pub(super) fn cost(&self, usage: &Usage) -> f64 {
        let cache_read = usage.cache_read.min(usage.input);
        let cache_creation = usage.cache_creation.min(usage.input - cache_read);
        let plain = usage.input - cache_read - cache_creation;
        let dollars = |tokens: u64, price: f64| tokens as f64 * price / TOKENS;
        dollars(plain, self.input)
            + dollars(cache_read, self.cache_read.unwrap_or(self.input))
            + dollars(cache_creation, self.cache_creation.unwrap_or(self.input))
            + dollars(usage.output, self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-12
    }

    #[test]
    fn the_table_that_is_built_in_is_one_and_says_its_day() {
        let prices = Prices::parse(include_str!("prices.json")).unwrap();
        assert_eq!(prices.version().len(), "2026-11-01".len());
        let of = |model| prices.of(model).map(|price| (price.input, price.output, price.cache_read));
        assert_eq!(of("gpt-4o-2024-08-06"), Some((2.5, 10.0, Some(1.25))));
        assert_eq!(of("gpt-4o-2024-05-13"), Some((5.0, 15.0, None)), "a date may have a price of its own");
        assert_eq!(of("us.anthropic.claude-sonnet-4-5-20250929-v1:0"), Some((3.0, 15.0, Some(0.3))));
        assert_eq!(of("gemini/gemini-2.5-flash"), Some((0.3, 2.5, Some(0.03))));
        assert_eq!(of("mistral-large-latest"), Some((0.5, 1.5, None)));
        assert_eq!(of("us.meta.llama3-3-70b-instruct-v1:0"), Some((0.72, 0.72, None)));
        for model in ["deepseek-reasoner", "grok-4", "command-a-03-2025", "voyage-3.5", "text-embedding-3-small"] {
            assert!(prices.of(model).is_some(), "{model}");
        }
    }

    #[test]
    fn a_version_of_a_model_has_its_price_and_another_model_has_not() {
        let prices = Prices::parse(
            r#"{"version": "v", "models": {"gpt-4o": {"input": 2.5, "output": 10}, "claude-opus-4": {"input": 15, "output": 75}}}"#,
        )
        .unwrap();
        for model in
            ["gpt-4o", "gpt-4o-2024-08-06", "openai/gpt-4o", "gpt-4o-latest", "anthropic.claude-opus-4-20250514-v1:0"]
        {
            assert!(prices.of(model).is_some(), "{model}");
        }
        for model in ["gpt-4o-mini", "gpt-4", "", "-", "gpt-4o-audio-2024-08-06", "claude-opus-4-5-20251101"] {
            assert!(prices.of(model).is_none(), "{model}");
        }
    }

    #[test]
    fn what_came_from_a_cache_has_its_own_price_and_counts_once() {
        let price = Price { input: 10.0, output: 20.0, cache_read: Some(1.0), cache_creation: None };
        let usage = Usage { input: 1_000_000, cache_read: 400_000, cache_creation: 100_000, output: 500_000 };
        assert!(close(price.cost(&usage), 6.0 + 0.4 + 10.0));
        let odd = Usage { input: 10, cache_read: 1_000, cache_creation: 1_000, output: 0 };
        assert!(close(price.cost(&odd), 10.0 * 1.0 / 1e6), "a cache never has more than went in");
    }

    #[test]
    fn a_table_that_is_none_says_why() {
        let error = Prices::load(Path::new("/nowhere/prices.json")).unwrap_err().to_string();
        assert!(error.starts_with("the table of prices /nowhere/prices.json can't be read: "), "{error}");
        assert!(Prices::parse(r#"{"version": "v", "models": {"m": {"input": -1}}}"#).unwrap_err().contains("`m`"));
        assert!(
            Prices::parse(r#"{"version": "v", "models": {"m": {"in": 1}}}"#).unwrap_err().contains("unknown field")
        );
    }
}
