//! The files that are checked: what git tracks or would track; without git, everything but build output.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::source::{self, Source};

/// Folders that are never looked into when there is no git to ask.
const FOLDERS_SKIPPED: [&str; 3] = ["target", ".git", "node_modules"];

/// Every file of a repository by its path relative to the root, with `/` between folders.
pub(crate) struct Tree {
    texts: BTreeMap<String, String>,
    sources: BTreeMap<String, Source>,
}

impl Tree {
    /// The repository that this test stands in, read once a process.
    pub(crate) fn of_this_repository() -> &'static Self {
        static TREE: OnceLock<Tree> = OnceLock::new();
        TREE.get_or_init(|| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let paths = tracked(root).unwrap_or_else(|| walked(root));
            // A path that can't be read was deleted and not yet committed, or is a link to nowhere.
            Self::new(paths.into_iter().filter_map(|path| {
                let bytes = fs::read(root.join(&path)).ok()?;
                Some((path, String::from_utf8_lossy(&bytes).into_owned()))
            }))
        })
    }

    /// A repository of samples.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self::new(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())))
    }

    fn new(files: impl Iterator<Item = (String, String)>) -> Self {
        let texts: BTreeMap<String, String> = files.collect();
        let sources = source::read_all(texts.iter().filter(|(path, _)| has_extension(path, "rs")));
        Self { texts, sources }
    }

    /// Every file as (path, text).
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Every Rust file as (path, source).
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.sources.iter().map(|(path, source)| (path.as_str(), source))
    }

    /// One Rust file.
    pub(crate) fn source(&self, path: &str) -> Option<&Source> {
        self.sources.get(path)
    }

    /// Whether the path is a file, or a folder with a file in it.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty() || self.texts.contains_key(path) || self.texts.keys().any(|file| file.starts_with(&folder))
    }
}

/// Whether the path ends in the extension, given without its dot.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// What git tracks, and what it would track after `git add`; `None` outside of a checkout.
fn tracked(root: &Path) -> Option<Vec<String>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    let listed = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<String> = listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    (output.status.success() && !paths.is_empty()).then_some(paths)
}

fn walked(root: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !FOLDERS_SKIPPED.iter().any(|skipped| name == *skipped) => {
                    folders.push(path);
                }
                Ok(kind) if kind.is_file() => {
                    let relative = path.strip_prefix(root).unwrap_or(&path);
                    paths.push(relative.to_string_lossy().replace('\\', "/"));
                }
                _ => {}
            }
        }
    }
    paths
}

#[test]
fn the_tree_holds_this_very_file_with_git_and_without() {
    let here = "tests/tidy/tree.rs";
    assert!(Tree::of_this_repository().source(here).is_some());
    assert!(Tree::of_this_repository().has("tests/tidy"));
    assert!(!Tree::of_this_repository().has("tests/tid"));
    let walked = walked(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(walked.iter().any(|path| path == here));
    assert!(!walked.iter().any(|path| path.starts_with("target/")));
}
