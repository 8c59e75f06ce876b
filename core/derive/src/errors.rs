//! Errors, gathered so that one build shows them all, and the words they share.
//!
//! Called by: `parse`, `check`, `choice`. Calls: strsim.
//! Threads: the compiler's.

use proc_macro2::TokenStream;
use syn::{Error, Path, Result};

/// Errors of one derive.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    /// Adds one.
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            none => *none = Some(error),
        }
    }

    /// Adds one at a place.
    pub(crate) fn at(&mut self, span: proc_macro2::Span, message: impl core::fmt::Display) {
        self.push(Error::new(span, message));
    }

    /// Adds one under all of `tokens`.
    pub(crate) fn on(&mut self, tokens: impl quote::ToTokens, message: impl core::fmt::Display) {
        self.push(Error::new_spanned(tokens, message));
    }

    /// The value, or nothing and one error more.
    pub(crate) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// All errors as `compile_error!` calls; `None`: there are none.
    pub(crate) fn into_tokens(self) -> Option<TokenStream> {
        self.0.map(Error::into_compile_error)
    }
}

/// "did you mean `x`?", if one of `known` is near.
pub(crate) fn suggestion(wrong: &str, known: &[&str]) -> Option<String> {
    let near = known
        .iter()
        .map(|word| (strsim::jaro_winkler(wrong, word), word))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .filter(|(likeness, _)| *likeness > 0.8)?;
    Some(format!("did you mean `{}`?", near.1))
}

/// "`a`, `b` and `c`".
pub(crate) fn quoted_list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A path as it is written.
pub(crate) fn spelled(path: &Path) -> String {
    let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    names.join("::")
}
