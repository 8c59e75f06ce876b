//! The validators: how each is run, and what its words and its exit status mean.
//!
//! Called by: `validate`. Calls: the validators. Threads: [main].

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::Context;

use crate::Error;
use crate::format::Format;

/// One validator.
#[derive(Debug)]
pub(super) struct Tool {
    /// What is looked for on the PATH.
    pub(super) program: &'static str,
    /// What it validates.
    pub(super) format: Format,
    /// How to get it.
    pub(super) get: &'static str,
    arguments: fn(&mut Command, &Path, Settings),
    /// Its counts, from its words without colours; `Err`: why a good exit status is not to be believed.
    counts: fn(&str) -> Result<String, String>,
}

/// How they are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    strictness: u8,
    display: bool,
}

impl Settings {
    /// For this process's surroundings.
    pub(super) fn of(strictness: u8) -> Self {
        let shown = std::env::var_os("DISPLAY").is_some_and(|name| !name.is_empty());
        // Elsewhere a user's session has a screen.
        Self { strictness, display: shown || !cfg!(target_os = "linux") }
    }
}

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ran {
    /// It is not on the PATH.
    Missing,
    /// With its counts.
    Passed(String),
    /// It found something, or ended badly.
    Failed {
        /// Its counts, or how it ended.
        why: String,
        /// All that it said.
        output: String,
    },
}

pub(super) static TOOLS: [Tool; 3] = [
    Tool {
        program: "clap-validator",
        format: Format::Clap,
        get: "a binary or sources: https://github.com/free-audio/clap-validator",
        arguments: |command, bundle, _| {
            command.arg("validate").arg(bundle);
        },
        counts: |said| last_line(said, "tests run,").ok_or_else(no_result),
    },
    Tool {
        program: "validator",
        format: Format::Vst3,
        get: "it is Steinberg's: build the target `validator` of https://github.com/steinbergmedia/vst3sdk with CMake",
        arguments: |command, bundle, _| {
            command.arg(bundle);
        },
        counts: steinberg,
    },
    Tool {
        program: "pluginval",
        format: Format::Vst3,
        get: "a binary: https://github.com/Tracktion/pluginval/releases",
        arguments: |command, bundle, settings| {
            command.arg("--strictness-level").arg(settings.strictness.to_string());
            // It takes editors for broken where there is no display.
            command.args((!settings.display).then_some("--skip-gui-tests"));
            command.arg("--validate").arg(bundle);
        },
        counts: pluginval,
    },
];

fn no_result() -> String {
    "it says no result, so it is another program of that name, or it did not get to its end".to_owned()
}

fn last_line(said: &str, part: &str) -> Option<String> {
    said.lines().rev().find(|line| line.contains(part)).map(|line| line.trim().to_owned())
}

fn steinberg(said: &str) -> Result<String, String> {
    let result = last_line(said, "tests passed,").ok_or_else(no_result)?;
    let result = result.trim_start_matches("Result: ").to_owned();
    // Its tests that cannot be set up count neither as passed nor as failed.
    let skipped = said.lines().filter(|line| line.contains("Failed to setup")).count();
    if skipped > 0 { Err(format!("{result}, {skipped} could not be set up")) } else { Ok(result) }
}

fn pluginval(said: &str) -> Result<String, String> {
    let count = said.lines().filter(|line| line.starts_with("Completed tests in")).count();
    let level = last_line(said, "Strictness level:").unwrap_or_default();
    last_line(said, "SUCCESS").ok_or_else(no_result)?;
    let gui = if said.contains("/ Editor") { "" } else { ", no display, so no test of an editor" };
    Ok(format!("{count} groups of tests passed, s{}{gui}", level.trim_start_matches('S')))
}

impl Tool {
    /// Runs it to its end, without input.
    ///
    /// # Errors
    /// It is there and cannot be started.
    pub(super) fn run(&self, bundle: &Path, settings: Settings) -> Result<Ran, Error> {
        let mut command = Command::new(self.program);
        (self.arguments)(&mut command, bundle, settings);
        let output = match command.stdin(Stdio::null()).output() {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Ran::Missing),
            Err(error) => return Err(error).with_context(|| format!("`{}` cannot be started", self.program)),
        };
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        Ok(self.judge(output.status, said))
    }

    fn judge(&self, status: ExitStatus, said: String) -> Ran {
        let counts = (self.counts)(&console::strip_ansi_codes(&said));
        match counts {
            Ok(counts) if status.success() => Ran::Passed(counts),
            Ok(counts) => Ran::Failed { why: format!("{counts} ({status})"), output: said },
            Err(why) if status.success() => Ran::Failed { why, output: said },
            Err(_) => Ran::Failed { why: status.to_string(), output: said },
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    const CLAP: &str = "\u{1b}[2m3ms\u{1b}[0m INFO Test x completed\n44 tests run, \u{1b}[1;32m38\u{1b}[0m passed, 0 \
                        failed, 0 warnings, 6 skipped\n";

    fn judge(program: &str, code: i32, said: &str) -> Ran {
        let tool = TOOLS.iter().find(|tool| tool.program == program).unwrap();
        tool.judge(ExitStatus::from_raw(code << 8), said.to_owned())
    }

    fn why(ran: Ran) -> String {
        let Ran::Failed { why, output } = ran else { panic!("{ran:?}") };
        assert!(!output.is_empty(), "what it said is shown");
        why
    }

    #[test]
    fn counts_are_passed_through_and_the_exit_status_decides() {
        let passed = "44 tests run, 38 passed, 0 failed, 0 warnings, 6 skipped";
        assert_eq!(judge("clap-validator", 0, CLAP), Ran::Passed(passed.to_owned()));
        let text = why(judge("clap-validator", 1, CLAP));
        assert!(text.starts_with(passed) && text.contains('1'), "{text}");
        let result = "---\nResult: 47 tests passed, 0 tests failed\n---\n";
        assert_eq!(judge("validator", 0, result), Ran::Passed("47 tests passed, 0 tests failed".to_owned()));
        let said = "Strictness level: 10\nCompleted tests in pluginval / Open\nCompleted tests in pluginval / State\n\
                    SUCCESS\n";
        let Ran::Passed(text) = judge("pluginval", 0, said) else { panic!("it passed") };
        assert_eq!(
            text,
            "2 groups of tests passed, strictness level: 10, no display, so no test of an editor"
        );
    }

    #[test]
    fn a_good_exit_status_without_a_result_or_with_tests_that_were_not_run_is_a_failure() {
        assert!(why(judge("validator", 0, "usage: validator FILE.html")).contains("another program"));
        let text = "[Failed to setup]\nResult: 46 tests passed, 0 tests failed\n";
        assert!(why(judge("validator", 0, text)).contains("1 could not be set up"));
        assert!(why(judge("pluginval", 0, "Completed tests in x\n")).contains("no result"));
        assert!(why(judge("pluginval", 139, "Strictness")).contains("139"));
    }

    #[test]
    fn a_validator_that_is_not_there_is_missing_and_not_an_error() {
        let nowhere = Tool { program: "hotshell-no-such-validator", ..copy(&TOOLS[1]) };
        let settings = Settings { strictness: 10, display: false };
        assert_eq!(nowhere.run(Path::new("x.vst3"), settings).unwrap(), Ran::Missing);
    }

    fn copy(tool: &Tool) -> Tool {
        Tool { ..*tool }
    }
}
