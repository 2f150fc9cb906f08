//! Rust text with what is not code blanked out, byte for byte, so that offsets and line numbers stay true.
//!
//! Two readings of a file: `code` has comments and the insides of literals blanked; `shipped` has test-only items
//! blanked as well (`#[cfg(test)]`, and the files that a `#[cfg(test)] mod name;` pulls in).

use std::collections::BTreeMap;

/// The readings of one file.
pub(crate) struct Source {
    /// Without comments and the insides of literals.
    pub(crate) code: String,
    /// `code` without what only tests are built from.
    pub(crate) shipped: String,
}

/// Reads files that belong together: a test module declared in one file blanks another.
pub(crate) fn read_all<'a>(files: impl Iterator<Item = (&'a String, &'a String)>) -> BTreeMap<String, Source> {
    let mut sources = BTreeMap::new();
    let mut test_modules = Vec::new();
    for (path, text) in files {
        let code = without_comments_and_literals(text);
        let (shipped, modules) = without_test_items(&code);
        test_modules.extend(modules.iter().map(|name| format!("{}{name}", folder_of_submodules(path))));
        sources.insert(path.clone(), Source { code, shipped });
    }
    for (path, source) in &mut sources {
        let belongs = |module: &String| {
            path.strip_prefix(module.as_str()).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        if test_modules.iter().any(belongs) {
            source.shipped = blanked(&source.shipped);
        }
    }
    sources
}

/// Where `mod name;` in this file is looked for: `src/a/` for `src/a.rs`, `src/a/mod.rs`; `src/` for `src/lib.rs`.
fn folder_of_submodules(path: &str) -> String {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    if matches!(name, "mod" | "lib" | "main") { format!("{folder}/") } else { format!("{stem}/") }
}

/// Blanks comments, and what stands between the quotes of a literal.
fn without_comments_and_literals(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let end = if rest.starts_with(b"//") {
            at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            at + block_comment_len(rest)
        } else if let Some(len) = literal_len(bytes, at) {
            at + len
        } else {
            at += 1;
            continue;
        };
        blank(&mut out[at..end]);
        at = end;
    }
    // Blanks are ASCII and whole literals and comments are blanked, so what is left is still UTF-8.
    String::from_utf8_lossy(&out).into_owned()
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

fn blanked(text: &str) -> String {
    text.chars().map(|character| if character == '\n' { '\n' } else { ' ' }).collect()
}

fn block_comment_len(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of the string or character literal that begins here, quotes and raw marks included.
fn literal_len(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    match rest[0] {
        b'"' => Some(escaped_len(rest, b'"')),
        // A lifetime has no closing quote: `'a'` and `'\n'` are characters, `'a` is none.
        b'\'' if rest.get(1) == Some(&b'\\') => Some(escaped_len(rest, b'\'')),
        b'\'' => {
            let width = String::from_utf8_lossy(&rest[1..rest.len().min(5)]).chars().next()?.len_utf8();
            (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
        }
        b'r' if at == 0 || !is_word(bytes[at - 1]) || matches!(bytes[at - 1], b'b' | b'c') => raw_len(rest),
        _ => None,
    }
}

fn escaped_len(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw_len(rest: &[u8]) -> Option<usize> {
    let marks = rest[1..].iter().take_while(|byte| **byte == b'#').count();
    (rest.get(1 + marks) == Some(&b'"')).then_some(())?;
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', marks)).collect();
    let body = 2 + marks;
    let found = rest[body..].windows(close.len()).position(|window| window == close);
    Some(found.map_or(rest.len(), |inside| body + inside + close.len()))
}

/// Blanks each item under `#[cfg(test)]`; also returns the names of the modules so declared that stand in other files.
fn without_test_items(code: &str) -> (String, Vec<String>) {
    let mut out = code.as_bytes().to_vec();
    let mut modules = Vec::new();
    for (start, _) in code.match_indices("#[cfg(").chain(code.match_indices("#![cfg(")) {
        let end = matching(code, start + code[start..].find('[').unwrap_or(0)).unwrap_or(code.len());
        let attribute: String = code[start..end].chars().filter(|character| !character.is_whitespace()).collect();
        let condition = attribute.trim_start_matches(['#', '!', '[']);
        let all = condition.starts_with("cfg(all(");
        if condition != "cfg(test)" && !(all && (condition.contains("(test,") || condition.contains(",test)"))) {
            continue;
        }
        let item = if attribute.starts_with("#!") { start..code.len() } else { start..item_end(code, end + 1) };
        let declared = code[end + 1..item.end].trim().strip_suffix(';').and_then(|item| item.rsplit_once("mod "));
        modules.extend(declared.map(|(_, name)| name.trim().to_owned()));
        blank(&mut out[item]);
    }
    (String::from_utf8_lossy(&out).into_owned(), modules)
}

/// Where the item, field, variant or statement that begins here ends.
fn item_end(code: &str, start: usize) -> usize {
    let bytes = code.as_bytes();
    let (mut at, mut angles) = (start, 0_i32);
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' => at = matching(code, at).unwrap_or(bytes.len()),
            b'{' => return matching(code, at).map_or(bytes.len(), |end| end + 1),
            b'<' => angles += 1,
            b'>' if !matches!(bytes[at - 1], b'-' | b'=') => angles -= 1,
            b';' => return at + 1,
            b',' if angles <= 0 => return at + 1,
            b'}' => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// The offset of the bracket that closes the one at `open`, in code that has no literals.
pub(crate) fn matching(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether the byte may stand within an identifier.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The identifier that begins at the offset; empty if none does.
pub(crate) fn word_at(code: &str, at: usize) -> &str {
    let rest = code.get(at..).unwrap_or("");
    &rest[..rest.bytes().position(|byte| !is_word(byte)).unwrap_or(rest.len())]
}

/// Offsets at which the word stands as a whole identifier.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let bytes = code.as_bytes();
        let before = at.checked_sub(1).is_some_and(|before| is_word(bytes[before]));
        !before && !bytes.get(at + word.len()).is_some_and(|after| is_word(*after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_stay() {
        let text = "let a = \"unsafe \\\" {\"; // unsafe\nlet b = r#\"un\"safe\"#; /* un /* sa */ fe */ let c = '{';\nfn f<'a>(x: &'a str) {}\n";
        let code = without_comments_and_literals(text);
        assert!(!code.contains("safe") && !code.contains("fe"), "{code}");
        assert!(code.contains("fn f<'a>(x: &'a str) {}"), "{code}");
        assert_eq!(code.len(), text.len());
        assert_eq!(code.matches('{').count(), 1);
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn test_items_are_blanked_and_their_neighbours_are_not() {
        let code = "struct S { #[cfg(test)] a: Map<u8, u8>, kept: u8 }\n#[cfg(test)]\nuse gone::{one};\nfn kept() {}\n\
                    #[cfg(all(test, loom))]\nmod gone { fn gone() {} }\n#[cfg(any(test, feature))]\nfn kept_too() {}\n";
        let (shipped, modules) = without_test_items(code);
        assert!(!shipped.contains("gone") && !shipped.contains("Map"), "{shipped}");
        assert_eq!(shipped.matches("kept").count(), 3, "{shipped}");
        assert!(modules.is_empty());
    }

    #[test]
    fn a_test_module_in_another_file_is_blanked_there() {
        let files = [
            ("src/queue/mod.rs".to_owned(), "mod ring;\n#[cfg(test)]\nmod models;\n".to_owned()),
            ("src/queue/models.rs".to_owned(), "use gone::x;\n".to_owned()),
            ("src/queue/ring.rs".to_owned(), "use kept::x;\n".to_owned()),
        ];
        let sources = read_all(files.iter().map(|(path, text)| (path, text)));
        assert_eq!(sources["src/queue/models.rs"].shipped.trim(), "");
        assert!(sources["src/queue/models.rs"].code.contains("gone"));
        assert!(sources["src/queue/ring.rs"].shipped.contains("kept"));
    }

    #[test]
    fn a_word_is_found_only_whole() {
        let code = "unsafe_code unsafe {} not_unsafe";
        assert_eq!(words(code, "unsafe").collect::<Vec<_>>(), [12]);
        assert_eq!(word_at(code, 12), "unsafe");
        assert_eq!(word_at(code, 18), "");
    }
}
