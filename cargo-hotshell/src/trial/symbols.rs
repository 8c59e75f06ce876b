//! Addresses in a library become names of functions.
//!
//! Called by: `trial/run`, a replay. Calls: `object`, `rustc-demangle`. Threads: [main].

use std::path::Path;

use object::{Object, ObjectSymbol};

/// Lines of a backtrace, at most.
const MOST_LINES: usize = 16;

/// Functions that stand between the author's code and what was noticed, and say nothing.
const NOISE: [&str; 14] = [
    "std::",
    "core::",
    "alloc::",
    "<alloc::",
    "<core::",
    "<std::",
    "__rust",
    "__rdl",
    "_R",
    "rust_",
    "hotshell_logic::export::panic",
    "__lll",
    "<T as core::",
    "hotshell_trial",
];

/// Where the author's code ends and hotshell's own begins.
const BOUNDARY: &str = "hotshell_logic::export::";

/// The functions of `library` on a call stack, innermost first: from the author's own code to where hotshell called it.
/// Empty where the library holds no names.
#[must_use]
pub fn backtrace(library: &Path, base: usize, stack: &[usize]) -> Vec<String> {
    let Ok(bytes) = std::fs::read(library) else { return Vec::new() };
    let Ok(file) = object::File::parse(bytes.as_slice()) else { return Vec::new() };
    let mut symbols: Vec<(u64, u64, &str)> = file
        .symbols()
        .chain(file.dynamic_symbols())
        .filter(|symbol| symbol.is_definition() && symbol.kind() == object::SymbolKind::Text)
        .filter_map(|symbol| Some((symbol.address(), symbol.size(), symbol.name().ok()?)))
        .collect();
    symbols.sort_unstable();
    let name = |address: &usize| {
        // A return address is behind the call.
        let at = address.checked_sub(base)?.checked_sub(1)? as u64;
        let next = symbols.partition_point(|(start, ..)| *start <= at);
        let (start, size, name) = symbols[..next].last()?;
        (at < start + (*size).max(1)).then(|| format!("{:#}", rustc_demangle::demangle(name)))
    };
    trim(stack.iter().filter_map(name).collect())
}

fn trim(names: Vec<String>) -> Vec<String> {
    let noise = |name: &String| NOISE.iter().any(|start| name.starts_with(start));
    let mut lines: Vec<String> = Vec::new();
    for name in names.into_iter().skip_while(noise) {
        let ours = name.contains(BOUNDARY);
        // A recursion says it once.
        if lines.last() != Some(&name) {
            lines.push(name);
        }
        if ours {
            break;
        }
    }
    lines.truncate(MOST_LINES);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backtrace_is_the_authors_part_of_the_stack() {
        let all = [
            "__rust_alloc",
            "alloc::vec::Vec<T>::push",
            "gain::Gain::process",
            "hotshell_logic::export::thunk::process",
            "main",
        ];
        let shown = trim(all.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(shown, ["gain::Gain::process", "hotshell_logic::export::thunk::process"]);
    }
}
