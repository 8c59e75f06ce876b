//! What cargo says while it builds: JSON lines on one stream, words on the other.
//!
//! Called by: `compile`. Calls: nothing. Threads: the two readers of a job, one at a time.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel, DiagnosticSpan};
use cargo_metadata::{Artifact, CrateType, Message};

use super::Outcome;

/// Longest text of cargo's own that is kept, in bytes.
const MOST_WORDS: usize = 64 << 10;

/// Everything that counts of one build's output.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// Warnings, rendered.
    pub(super) warnings: String,
    errors: String,
    first: Option<String>,
    words: String,
    artifacts: Vec<Artifact>,
}

impl Collected {
    /// A line of the stream of messages. Lines that are not JSON come from build scripts and macros and count as words.
    pub(super) fn json_line(&mut self, line: &str) {
        match serde_json::from_str::<Message>(line) {
            Ok(Message::CompilerMessage(message)) => self.diagnostic(&message.message),
            Ok(Message::CompilerArtifact(artifact)) => self.artifacts.push(artifact),
            Ok(_) => {}
            Err(_) => self.cargo_line(line),
        }
    }

    /// A line of cargo's own.
    pub(super) fn cargo_line(&mut self, line: &str) {
        if self.words.len() + line.len() < MOST_WORDS {
            self.words.push_str(line);
            self.words.push('\n');
        }
    }

    fn diagnostic(&mut self, message: &Diagnostic) {
        let text = message.rendered.as_deref().unwrap_or(&message.message);
        let target = match message.level {
            DiagnosticLevel::Error | DiagnosticLevel::Ice => {
                // The last one only counts the others: "aborting due to 2 previous errors".
                if self.first.is_none() && !message.message.starts_with("aborting due to") {
                    self.first = Some(one_line(message));
                }
                &mut self.errors
            }
            _ => &mut self.warnings,
        };
        target.push_str(text.trim_end());
        target.push_str("\n\n");
    }

    /// The dynamic library called `library`.
    pub(super) fn artifact_of(&self, library: &str) -> Option<PathBuf> {
        let is_it = |artifact: &&Artifact| {
            artifact.target.name == library && artifact.target.crate_types.contains(&CrateType::CDyLib)
        };
        let files = self.artifacts.iter().rev().find(is_it).map(|artifact| &artifact.filenames)?;
        let is_library =
            |file: &Path| file.extension().is_some_and(|kind| kind == std::env::consts::DLL_EXTENSION);
        files.iter().map(|file| PathBuf::from(file.as_str())).find(|file| is_library(file))
    }

    /// Why there is no artifact.
    pub(super) fn failure(self, status: ExitStatus) -> Outcome {
        let said = |text: String| if text.trim().is_empty() { None } else { Some(text) };
        let first_word = self.words.lines().find(|line| line.starts_with("error")).map(ToOwned::to_owned);
        let first = self.first.or(first_word);
        let first = first.unwrap_or_else(|| format!("cargo ended with {status} and made no dynamic library"));
        let text = said(self.errors).or(said(self.words)).unwrap_or_else(|| first.clone());
        Outcome::Failed { text, first }
    }
}

/// `src/lib.rs:12: cannot find value ...`; without a place where the compiler gives none.
fn one_line(message: &Diagnostic) -> String {
    let primary = message.spans.iter().find(|span| span.is_primary).or(message.spans.first());
    match primary.map(author_span) {
        Some(span) => format!("{}:{}: {}", span.file_name, span.line_start, message.message),
        None => message.message.clone(),
    }
}

/// The line that the author wrote: an error inside a macro is shown where the macro is used.
fn author_span(span: &DiagnosticSpan) -> &DiagnosticSpan {
    let mut span = span;
    while let Some(expansion) = &span.expansion {
        span = &expansion.span;
    }
    span
}
