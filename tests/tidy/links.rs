//! Links of the documents: a relative link leads to a file of the repository, its anchor to a heading.

use crate::finding::Finding;
use crate::tree::{Tree, has_extension};

/// Findings for every relative link of a Markdown file that leads nowhere.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let documents = tree.texts().filter(|(path, _)| has_extension(path, "md"));
    documents.flat_map(|(path, text)| check_document(tree, path, text)).collect()
}

fn check_document(tree: &Tree, path: &str, text: &str) -> Vec<Finding> {
    prose(text)
        .flat_map(|(line, prose)| targets(&prose).into_iter().map(move |target| (line, target)))
        .filter(|(_, target)| !target.contains("://") && !target.starts_with("mailto:"))
        .filter_map(|(line, target)| {
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if file.is_empty() { Some(path.to_owned()) } else { resolved(path, file) };
            let Some(file) = file.filter(|file| tree.has(file)) else {
                return Some(Finding::new(path, line, format!("`{target}` leads to no file of the repository")));
            };
            let lost = !anchor.is_empty() && tree.text(&file).is_some_and(|text| !has_heading(text, anchor));
            lost.then(|| Finding::new(path, line, format!("`{target}` leads to no heading of {file}")))
        })
        .collect()
}

/// Lines outside of code fences, counted from 1, with inline code taken out.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        let without_code = line.split('`').step_by(2).collect::<Vec<_>>().join("");
        (!fenced && !fence).then_some((index + 1, without_code))
    })
}

/// The targets of `[text](target)` and of `[name]: target`.
fn targets(line: &str) -> Vec<String> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let reference = line.starts_with('[').then(|| line.split_once("]: ")).flatten().map(|(_, target)| target.trim());
    inline.chain(reference).filter(|target| !target.is_empty()).map(str::to_owned).collect()
}

/// The path, relative to the root, of a link in the document; `None` if it leaves the repository.
fn resolved(document: &str, link: &str) -> Option<String> {
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = if link.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop().filter(|part| !part.is_empty())?),
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    Some(parts.join("/"))
}

fn has_heading(text: &str, anchor: &str) -> bool {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings.map(slug).any(|slug| slug == anchor)
}

/// The anchor that forges give a heading.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|character| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found_in(text: &str) -> Vec<String> {
        let tree = Tree::of(&[("docs/adr/a.md", text), ("docs/b.md", "## Why, and how\n"), ("README.md", "")]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found_at_its_line() {
        for link in
            ["[x](c.md)", "[x](../c.md)", "see [x](../b.md#why)", "[x]: ../c.md", "[x](../../../out.md)", "[x](#none)"]
        {
            let found = found_in(&format!("\n{link}\n"));
            assert_eq!(found.len(), 1, "{link}: {found:?}");
            assert!(found[0].starts_with("docs/adr/a.md:2: "), "{found:?}");
        }
    }

    #[test]
    fn a_link_that_leads_somewhere_passes() {
        let links = "# Here\n[a](../b.md), [b](../b.md#why-and-how), [c](../../README.md), [d](..), [e](#here), [f](https://x.y/z)\n";
        assert_eq!(found_in(links), Vec::<String>::new());
        assert_eq!(found_in("```\n[x](c.md)\n```\n`[x](c.md)`\n"), Vec::<String>::new());
    }
}
