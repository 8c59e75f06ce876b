//! What a build was made from: the `.d` file that cargo writes beside each artifact.
//!
//! Called by: `compile`. Calls: nothing. Threads: [any].

use std::path::{Path, PathBuf};

/// Reads the files that `artifact` was made from: sources, included files, what build scripts asked to watch.
/// Empty if cargo wrote no list.
#[must_use]
pub fn inputs_of(artifact: &Path) -> Vec<PathBuf> {
    std::fs::read_to_string(artifact.with_extension("d")).map(|text| parse(&text)).unwrap_or_default()
}

/// Everything right of the colons. The format is a makefile's: spaces in a name are written `\ `.
fn parse(text: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        text.lines().filter_map(|line| line.split_once(": ")).flat_map(|(_, right)| names(right)).collect();
    files.sort();
    files.dedup();
    files
}

fn names(list: &str) -> Vec<PathBuf> {
    let (mut found, mut name, mut letters) = (Vec::new(), String::new(), list.chars().peekable());
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some(' ')) => name.extend(letters.next()),
            (' ', _) => found.push(std::mem::take(&mut name)),
            _ => name.push(letter),
        }
    }
    found.push(name);
    found.into_iter().filter(|name| !name.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_inputs_are_found_and_none_twice() {
        let text = "/t/libgain.so: /w/a.rs /w/b.rs\n\n/t/libgain.rlib: /w/a.rs /w/table.bin\n";
        assert_eq!(parse(text), ["/w/a.rs", "/w/b.rs", "/w/table.bin"].map(PathBuf::from));
    }

    #[test]
    fn names_may_hold_spaces_colons_and_backslashes() {
        let text = "C:\\t\\gain.dll: C:\\my\\ work\\a.rs C:\\w\\b.rs\n";
        assert_eq!(parse(text), ["C:\\my work\\a.rs", "C:\\w\\b.rs"].map(PathBuf::from));
        assert_eq!(parse("/t/x.so:"), Vec::<PathBuf>::new());
    }

    #[test]
    fn an_artifact_without_a_list_has_no_inputs() {
        assert_eq!(inputs_of(Path::new("/nowhere/libgain.so")), Vec::<PathBuf>::new());
    }
}
