//! Statements, put together so that no value becomes a part of the language.

use std::fmt::Write;

/// A statement that is put together; every value goes in by a method that quotes it.
#[derive(Debug, Clone)]
pub(crate) struct Sql(String);

impl Sql {
    /// Begins with SQL of ours.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// SQL of ours, as it is.
    pub(crate) fn add(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    /// A text, quoted.
    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.0.push('\'');
        for char in value.chars() {
            match char {
                '\\' | '\'' => {
                    self.0.push('\\');
                    self.0.push(char);
                }
                // What a terminal or a log would act on, and what a reader of lines would end at.
                '\0'..='\x1f' | '\x7f' => _ = write!(self.0, "\\x{:02X}", u32::from(char)),
                _ => self.0.push(char),
            }
        }
        self.0.push('\'');
        self
    }

    /// An integer of any width.
    pub(crate) fn number(&mut self, value: impl Into<i128>) -> &mut Self {
        _ = write!(self.0, "{}", value.into());
        self
    }

    /// Texts, as `IN` takes them; of none it is a list that nothing is in.
    pub(crate) fn texts<T: AsRef<str>>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self {
        self.list(values, |sql, value| _ = sql.text(value.as_ref()))
    }

    /// Integers, as `IN` takes them; of none it is a list that nothing is in.
    pub(crate) fn numbers<N: Into<i128>>(&mut self, values: impl IntoIterator<Item = N>) -> &mut Self {
        self.list(values, |sql, value| _ = sql.number(value))
    }

    fn list<T>(&mut self, values: impl IntoIterator<Item = T>, mut put: impl FnMut(&mut Self, T)) -> &mut Self {
        self.0.push('(');
        let mut is_first = true;
        for value in values {
            if !std::mem::take(&mut is_first) {
                self.0.push_str(", ");
            }
            put(self, value);
        }
        if is_first {
            self.0.push_str("NULL");
        }
        self.0.push(')');
        self
    }

    /// Bytes that are no text, of a `FixedString`.
    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.0.push_str("unhex('");
        for byte in value {
            _ = write!(self.0, "{byte:02x}");
        }
        self.0.push_str("')");
        self
    }

    /// A pattern of `LIKE` for what has a text in it; ASCII letters in lower case.
    pub(crate) fn containing(&mut self, value: &str) -> &mut Self {
        let mut pattern = String::with_capacity(value.len() + 2);
        pattern.push('%');
        for char in value.chars() {
            if matches!(char, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(char.to_ascii_lowercase());
        }
        pattern.push('%');
        self.text(&pattern)
    }

    /// The beginning of the hour of a moment, as a `DateTime`; the first or the last hour that there is, beyond.
    pub(crate) fn hour(&mut self, us: i64) -> &mut Self {
        const HOUR: i64 = 3600;
        let last = i64::from(u32::MAX) / HOUR * HOUR;
        let hour = (us.div_euclid(1_000_000).div_euclid(HOUR) * HOUR).clamp(0, last);
        _ = write!(self.0, "toDateTime({hour}, 'UTC')");
        self
    }

    /// What was put together.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Sql;

    fn sql(put: impl FnOnce(&mut Sql)) -> String {
        let mut sql = Sql::new("");
        put(&mut sql);
        sql.0
    }

    #[test]
    fn a_text_stays_a_text_whatever_is_in_it() {
        for (text, quoted) in [
            ("", "''"),
            ("plain", "'plain'"),
            ("'); DROP TABLE events; --", r"'\'); DROP TABLE events; --'"),
            (r"\", r"'\\'"),
            (r"\'", r"'\\\''"),
            ("a\0b\nc\td\r\x1b\x7f", r"'a\x00b\x0Ac\x09d\x0D\x1B\x7F'"),
            ("\u{1f600} é \u{202e}", "'\u{1f600} é \u{202e}'"),
            ("{name:String} %s", "'{name:String} %s'"),
        ] {
            assert_eq!(sql(|sql| _ = sql.text(text)), quoted);
        }
    }

    #[test]
    fn numbers_of_every_width_are_written_whole() {
        let written = sql(|sql| {
            sql.number(i64::MIN).add(" ").number(u64::MAX).add(" ").number(7_u8);
        });
        assert_eq!(written, "-9223372036854775808 18446744073709551615 7");
    }

    #[test]
    fn a_list_of_nothing_has_nothing_in_it() {
        assert_eq!(sql(|sql| _ = sql.texts(["a", "b'"])), r"('a', 'b\'')");
        assert_eq!(sql(|sql| _ = sql.texts(Vec::<String>::new())), "(NULL)");
        assert_eq!(sql(|sql| _ = sql.numbers([1_i64, -2])), "(1, -2)");
        assert_eq!(sql(|sql| _ = sql.numbers(Vec::<i64>::new())), "(NULL)");
    }

    #[test]
    fn a_pattern_means_its_signs_as_they_are() {
        assert_eq!(sql(|sql| _ = sql.containing(r"100%_Of\ÉX'")), r"'%100\\%\\_of\\\\Éx\'%'");
    }

    #[test]
    fn an_hour_is_within_those_that_there_are() {
        let hour = |us| sql(|sql| _ = sql.hour(us));
        assert_eq!(hour(7_199_999_999), "toDateTime(3600, 'UTC')");
        assert_eq!(hour(-1), "toDateTime(0, 'UTC')");
        assert_eq!(hour(i64::MIN), "toDateTime(0, 'UTC')");
        assert_eq!(hour(i64::MAX), "toDateTime(4294965600, 'UTC')");
        assert_eq!(sql(|sql| _ = sql.bytes(&[0, 255, 16])), "unhex('00ff10')");
    }
}
