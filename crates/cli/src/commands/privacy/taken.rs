//! What was taken out of a value, found by comparing what went in with what came out.

use lastword::privacy::Redactor;
use serde::Serialize;
use serde_json::Value;

/// Something that was taken out.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Taken {
    /// Where, as a JSON pointer into what went in.
    pub(super) path: String,
    /// By which rule: its name as it stands in what is left; `name` for a value whose name is that of a secret, `home` for
    /// somebody's directory, `too long` for what was cut.
    pub(super) rule: String,
    /// How often.
    pub(super) count: usize,
}

/// Lists what was taken out of `before`, which `after` is what is left of.
pub(super) fn taken(redactor: &Redactor, path: &str, before: &Value, after: &Value, out: &mut Vec<Taken>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                let left = redactor.redact(key);
                let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
                text(&path, key, &left, out);
                if let Some(after) = after.get(&*left) {
                    taken(redactor, &path, value, after, out);
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for (place, (before, after)) in before.iter().zip(after).enumerate() {
                taken(redactor, &format!("{path}/{place}"), before, after, out);
            }
        }
        (Value::String(before), Value::String(after)) => text(path, before, after, out),
        (before, Value::String(after)) => text(path, &before.to_string(), after, out),
        _ => {}
    }
}

/// Lists what was taken out of a text.
fn text(path: &str, before: &str, after: &str, out: &mut Vec<Taken>) {
    if before == after {
        return;
    }
    let mut add = |rule: &str, count: usize| {
        if count > 0 {
            out.push(Taken { path: path.to_owned(), rule: rule.to_owned(), count });
        }
    };
    let mut rules: Vec<&str> = marks(after).collect();
    rules.sort_unstable();
    let all = rules.clone();
    rules.dedup();
    for rule in rules {
        let (left, there) =
            (all.iter().filter(|mark| **mark == rule).count(), marks(before).filter(|mark| *mark == rule).count());
        add(if rule.is_empty() { "name" } else { rule }, left.saturating_sub(there));
    }
    add("home", after.matches('~').count().saturating_sub(before.matches('~').count()));
    add("too long", usize::from(after.ends_with(" bytes)") && after.len() < before.len() && after.contains("… (of ")));
}

/// Goes through the names of the rules whose marks stand in a text; the mark of a name is that of no rule.
fn marks(text: &str) -> impl Iterator<Item = &str> {
    text.split("[redacted").skip(1).filter_map(|rest| {
        let (rule, _) = rest.split_once(']')?;
        if rule.is_empty() { Some(rule) } else { rule.strip_prefix(':') }
    })
}

#[cfg(test)]
mod tests {
    use lastword::privacy::Privacy;
    use serde_json::json;

    use super::*;

    fn found(before: &Value, after: &Value) -> Vec<(String, String, usize)> {
        let redactor = Privacy::new().redactor().unwrap();
        let mut out = Vec::new();
        taken(&redactor, "", before, after, &mut out);
        out.into_iter().map(|taken| (taken.path, taken.rule, taken.count)).collect()
    }

    #[test]
    fn each_thing_is_named_by_its_rule_and_its_pointer() {
        let before = json!({
            "password": [1], "a/b": {"~": ["ada", "x and y"]}, "same": "[redacted:email]", "both": "[redacted:email] and z",
        });
        let after = json!({
            "password": "[redacted]", "a/b": {"~": ["ada", "[redacted:email] and [redacted:email]"]},
            "same": "[redacted:email]", "both": "[redacted:email] and [redacted:email] [redacted:url]",
        });
        let expected =
            [("/a~1b/~0/1", "email", 2), ("/both", "email", 1), ("/both", "url", 1), ("/password", "name", 1)];
        assert_eq!(found(&before, &after), expected.map(|(path, rule, count)| (path.into(), rule.into(), count)));
    }

    #[test]
    fn what_was_cut_and_whose_home_it_was_is_told_too() {
        let before = json!({"long": "x".repeat(50), "path": "in /home/ada/sdk"});
        let after = json!({"long": "xxx… (of 50 bytes)", "path": "in ~/sdk"});
        let expected = [("/long", "too long", 1), ("/path", "home", 1)];
        assert_eq!(found(&before, &after), expected.map(|(path, rule, count)| (path.into(), rule.into(), count)));
    }
}
