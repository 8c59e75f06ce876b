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
    /// It is run once in each.
    pub(super) modes: &'static [Mode],
    arguments: fn(&mut Command, &Path, Settings),
    /// Its counts, from its words without colours; `Err`: why a good exit status is not to be believed.
    counts: fn(&str, Mode) -> Result<String, String>,
}

/// One way to run a validator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    /// The argument that asks for it.
    pub(super) argument: Option<&'static str>,
    /// Tests of one plug-in, at least; 0: not known.
    least: u64,
}

/// A validator that has one way.
const PLAIN: [Mode; 1] = [Mode { argument: None, least: 0 }];

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
        modes: &PLAIN,
        counts: |said, _| last_line(said, "tests run,").ok_or_else(no_result),
    },
    Tool {
        program: "validator",
        format: Format::Vst3,
        get: "it is Steinberg's: build the target `validator` of https://github.com/steinbergmedia/vst3sdk with CMake",
        // Its tests on one instance, the same on an instance for each, and many more combinations, as of `COUNTED_IN`.
        modes: &[
            Mode { argument: None, least: 47 },
            Mode { argument: Some("-l"), least: 47 },
            Mode { argument: Some("-e"), least: 537 },
        ],
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
        modes: &PLAIN,
        counts: |said, _| pluginval(said),
    },
];

/// The VST3 SDK whose validator makes as many tests as its modes say.
const COUNTED_IN: &str = "3.7.14";

fn no_result() -> String {
    "it says no result, so it is another program of that name, or it did not get to its end".to_owned()
}

fn last_line(said: &str, part: &str) -> Option<String> {
    said.lines().rev().find(|line| line.contains(part)).map(|line| line.trim().to_owned())
}

/// A plug-in that it cannot make an instance of costs it tests and not its good exit status.
fn steinberg(said: &str, mode: Mode) -> Result<String, String> {
    let result = last_line(said, "tests passed,").ok_or_else(no_result)?;
    let result = result.trim_start_matches("Result: ").to_owned();
    let numbers: Vec<u64> = result.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [passed, failed] = numbers[..] else { return Err(no_result()) };
    // Its tests that cannot be set up count neither as passed nor as failed.
    let skipped = said.lines().filter(|line| line.contains("Failed to setup")).count();
    let classes = said.lines().filter(|line| line.trim() == "category = Audio Module Class").count();
    let least = mode.least * u64::try_from(classes).unwrap_or(0);
    if skipped > 0 {
        Err(format!("{result}, {skipped} could not be set up"))
    } else if classes == 0 {
        Err(format!("{result}, but it has found no plug-in in the bundle"))
    } else if passed + failed < least {
        Err(format!(
            "{result}, but {classes} plug-ins make {least} tests (counted in VST3 SDK {COUNTED_IN}): it could not make \
             them all, or it is of another SDK"
        ))
    } else if failed > 0 {
        Err(result)
    } else {
        Ok(result)
    }
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
    pub(super) fn run(&self, mode: Mode, bundle: &Path, settings: Settings) -> Result<Ran, Error> {
        let mut command = Command::new(self.program);
        command.args(mode.argument);
        (self.arguments)(&mut command, bundle, settings);
        let output = match command.stdin(Stdio::null()).output() {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Ran::Missing),
            Err(error) => return Err(error).with_context(|| format!("`{}` cannot be started", self.program)),
        };
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        Ok(self.judge(mode, output.status, said))
    }

    /// Its name, with what it is run with.
    pub(super) fn name(&self, mode: Mode) -> String {
        mode.argument
            .map_or_else(|| self.program.to_owned(), |argument| format!("{} {argument}", self.program))
    }

    fn judge(&self, mode: Mode, status: ExitStatus, said: String) -> Ran {
        let counts = (self.counts)(&console::strip_ansi_codes(&said), mode);
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
        judge_mode(0, program, code, said)
    }

    fn judge_mode(mode: usize, program: &str, code: i32, said: &str) -> Ran {
        let tool = TOOLS.iter().find(|tool| tool.program == program).unwrap();
        tool.judge(tool.modes[mode], ExitStatus::from_raw(code << 8), said.to_owned())
    }

    /// Words of Steinberg's for a bundle of `classes` plug-ins.
    fn steinberg(classes: usize, passed: u64, failed: u64) -> String {
        let class = "  Class Info 0:\n\tcategory = Audio Module Class\n".repeat(classes);
        format!(
            "{class}\tcategory = Plugin Compatibility Class\n---\nResult: {passed} tests passed, {failed} tests failed\n---\n"
        )
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
        let passed = |count: u64| Ran::Passed(format!("{count} tests passed, 0 tests failed"));
        assert_eq!(judge("validator", 0, &steinberg(1, 47, 0)), passed(47));
        assert_eq!(judge_mode(1, "validator", 0, &steinberg(2, 94, 0)), passed(94));
        assert_eq!(judge_mode(2, "validator", 0, &steinberg(2, 1074, 0)), passed(1074));
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
        let text = format!("[Failed to setup]\n{}", steinberg(1, 46, 0));
        assert!(why(judge("validator", 0, &text)).contains("1 could not be set up"));
        assert!(
            why(judge("validator", 0, &steinberg(1, 46, 0)))
                .contains("make 47 tests (counted in VST3 SDK 3.7.14)")
        );
        assert!(why(judge_mode(1, "validator", 0, &steinberg(2, 47, 0))).contains("2 plug-ins make 94"));
        assert!(why(judge_mode(2, "validator", 0, &steinberg(1, 47, 0))).contains("make 537"));
        assert!(why(judge("validator", 0, &steinberg(0, 47, 0))).contains("no plug-in"));
        assert!(why(judge("validator", 0, &steinberg(1, 46, 1))).contains("1 tests failed"));
        assert!(why(judge("pluginval", 0, "Completed tests in x\n")).contains("no result"));
        assert!(why(judge("pluginval", 139, "Strictness")).contains("139"));
    }

    #[test]
    fn a_validator_that_is_not_there_is_missing_and_not_an_error() {
        let nowhere = Tool { program: "hotshell-no-such-validator", ..copy(&TOOLS[1]) };
        let settings = Settings { strictness: 10, display: false };
        assert_eq!(nowhere.run(PLAIN[0], Path::new("x.vst3"), settings).unwrap(), Ran::Missing);
    }

    fn copy(tool: &Tool) -> Tool {
        Tool { ..*tool }
    }
}
