//! What a run leaves besides its events: files with names that lead nowhere else.

use super::error::RunError;
use crate::limits::ARTIFACT_NAME_BYTES_MAX;
use crate::privacy::Redactor;

/// Names that are devices on Windows, whatever follows their first dot.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Fails unless it is a plain name on every system, and of a file that is shown.
pub(super) fn check_name(name: &str) -> Result<(), RunError> {
    let wrong = |reason| Err(RunError::ArtifactName { name: name.chars().take(80).collect(), reason });
    if name.is_empty() {
        return wrong("is empty");
    }
    if name.len() > ARTIFACT_NAME_BYTES_MAX {
        return wrong("is longer than 200 bytes");
    }
    if name.contains(['/', '\\', ':']) {
        return wrong("leads to another place");
    }
    if name.contains(|character: char| character.is_control() || "<>\"|?*".contains(character)) {
        return wrong("has a sign in it that not every system takes");
    }
    if name.starts_with('.') {
        return wrong("begins with a dot");
    }
    if name.ends_with(['.', ' ']) {
        return wrong("ends with a dot or a space");
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    if DEVICES.iter().any(|device| device.eq_ignore_ascii_case(stem)) {
        return wrong("is the name of a device on Windows");
    }
    Ok(())
}

/// Returns whether it is a patch, by its name.
pub(super) fn is_patch(name: &str) -> bool {
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    extension.eq_ignore_ascii_case("patch") || extension.eq_ignore_ascii_case("diff")
}

/// Returns what is written in the place of a text in which there is something that must not be.
pub(super) fn redacted(bytes: &[u8], redactor: Option<&Redactor>) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let redacted = redactor?.redact(text);
    (redacted != text).then(|| redacted.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_lead_elsewhere_is_none() {
        let long = "x".repeat(201);
        for name in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "C:x",
            "/etc/passwd",
            "x\0",
            "x\n",
            ".hidden",
            "x.",
            "x ",
            "nul",
            "CON.txt",
            "com1 .log",
            "a*",
            "\u{1b}[31m",
            &long,
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in [
            "plan.md",
            "patch.diff",
            "commands.log",
            "a b",
            "\u{6f22}\u{5b57}.txt",
            "console.log",
            "x..y",
            "no_extension",
        ] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
        assert!(is_patch("a.DIFF") && is_patch("x.patch") && !is_patch("patch.md") && !is_patch("diff"));
    }
}
