//! The stack of an exception: a frame a line, those of the program apart from those of what it is built of.

use maud::{Markup, html};

use super::parts;
use crate::limits::STACK_LINES_MAX;

/// What stands in the paths and names of frames that are not of the program itself.
const OF_OTHERS: &[&str] = &[
    "site-packages/",
    "dist-packages/",
    "/lib/python",
    "<frozen ",
    "node_modules/",
    "node:internal",
    "(internal/",
    "/rustc/",
    "/.cargo/registry/",
    "/rustlib/",
    "/usr/lib/",
    "/usr/local/lib/",
    "at java.",
    "at javax.",
    "at jdk.",
    "at sun.",
    "at System.",
    "/go/pkg/mod/",
    "/usr/local/go/src/",
];

/// How names of functions begin that are of Rust's own libraries.
const OF_RUST: &[&str] =
    &["std::", "core::", "alloc::", "tokio::", "__rust_", "<core::", "<alloc::", "<std::", "rust_begin_unwind"];

/// A line of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Names a frame of the program.
    Own,
    /// Names a frame of a library.
    Other,
    /// Says more of the frame before: its code, or what the error is.
    More,
}

/// Writes a stack as a list, the frames of libraries less loud.
pub(super) fn stack(text: &str) -> Markup {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let margin = lines.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let mut of_other = false;
    html! {
        ol.stack {
            @for line in lines.iter().take(STACK_LINES_MAX) {
                @let kind = kind(line);
                @let is_outermost = line.len() - line.trim_start().len() == margin;
                @let () = of_other = match kind { Line::Own => false, Line::Other => true, Line::More => of_other && !is_outermost };
                @let class = match kind { Line::Own => Some("own"), _ if of_other => Some("other"), _ => None };
                li class=[class] { code { bdi { (parts::first_bytes(line.get(margin..).unwrap_or(line))) } } }
            }
        }
        @if lines.len() > STACK_LINES_MAX {
            p.quiet { "… and " (lines.len() - STACK_LINES_MAX) " lines more; the event below has all of it." }
        }
    }
}

/// Tells what a line of the stacks of the usual languages is.
fn kind(line: &str) -> Line {
    let trimmed = line.trim_start();
    let rust =
        trimmed.split_once(": ").filter(|(number, _)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    let names_one = rust.is_some() || trimmed.starts_with("at ") || trimmed.starts_with("File \"");
    if !names_one {
        return Line::More;
    }
    let function = rust.map_or("", |(_, function)| function);
    let of_others = OF_OTHERS.iter().any(|part| trimmed.contains(part));
    // The place of a frame of Rust stands on a line of its own, behind the function that says whose it is.
    if of_others || OF_RUST.iter().any(|begin| function.starts_with(begin)) { Line::Other } else { Line::Own }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_the_program_are_told_from_those_of_libraries() {
        for (line, is) in [
            ("  File \"/app/buy.py\", line 3, in charge", Line::Own),
            ("    raise Timeout(30)", Line::More),
            ("  File \"/usr/lib/python3.12/ssl.py\", line 3, in read", Line::Other),
            ("    at charge (/app/buy.js:3:7)", Line::Own),
            ("    at next (/app/node_modules/express/lib/router.js:3:7)", Line::Other),
            ("   3: buy::charge", Line::Own),
            ("             at ./src/main.rs:3:5", Line::Own),
            ("   4: core::panicking::panic_fmt", Line::Other),
            ("\tat java.lang.Thread.run(Thread.java:750)", Line::Other),
            ("Timeout: no answer after 30 s", Line::More),
        ] {
            assert_eq!(kind(line), is, "{line}");
        }
    }

    #[test]
    fn what_all_lines_are_indented_by_is_taken_away_and_hostile_text_stays_text() {
        let page = stack("    at a (<script>)\n      more\n").into_string();
        assert!(page.contains("<bdi>at a (&lt;script&gt;)</bdi>") && page.contains("<bdi>  more</bdi>"), "{page}");
        assert!(stack(&"at x\n".repeat(500)).into_string().contains("300 lines more"));
        assert!(stack("\u{a0}at é\n x").into_string().contains("at é"));
    }
}
