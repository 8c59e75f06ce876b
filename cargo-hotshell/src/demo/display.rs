//! A display for `demo --editor`: the user's, or an X server without a screen that lasts as long as the demonstration.
//!
//! A process cannot safely give itself another `DISPLAY`, so the command runs itself once more, under the server.
//!
//! Called by: `demo`. Calls: Xvfb, this command. Threads: [main].

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, bail};

use crate::Error;
use crate::host::desktop::LIBRARIES;
use crate::host::screen::Screen;

/// The variable that names the display.
const DISPLAY: &str = "DISPLAY";

/// Name of the X server's program.
const XVFB: &str = "Xvfb";

/// True if the user has a display.
#[must_use]
pub fn is_there() -> bool {
    std::env::var_os(DISPLAY).is_some_and(|name| !name.is_empty())
}

/// Runs this command with its arguments under an X server of its own.
///
/// # Errors
/// There is no such server, or it does not start.
pub fn run_again(screen: &Screen) -> Result<ExitCode, Error> {
    if !cfg!(target_os = "linux") {
        bail!("--editor shows the window on X11, which is where editors have been tried: on Linux");
    }
    let server = Server::start()?;
    screen.say(&format!("No display here: the window is on display :{} of an {XVFB}", server.number));
    let command = std::env::current_exe().context("this command does not know its own file")?;
    let mut again = Command::new(command);
    again.args(std::env::args_os().skip(1)).env(DISPLAY, format!(":{}", server.number));
    let mut again = again.spawn().context("this command cannot be started again")?;
    pass_on_interrupts(again.id())?;
    let status = again.wait().context("the demonstration cannot be waited for")?;
    // A signal has no code.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Ctrl-C reaches the whole group of the terminal, a polite kill only us.
#[cfg(unix)]
fn pass_on_interrupts(process: u32) -> Result<(), Error> {
    let process = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    let process = process.context("a process without a number")?;
    crate::interrupt::on_interrupt(move || {
        // An error says that it has ended.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::INT);
    })
}

#[cfg(not(unix))]
fn pass_on_interrupts(_process: u32) -> Result<(), Error> {
    crate::interrupt::flag().map(drop)
}

/// An X server without a screen; ends when dropped, and by itself when its last client does.
struct Server {
    process: Child,
    number: String,
}

impl Server {
    /// Starts one on a free display.
    fn start() -> Result<Self, Error> {
        let mut command = Command::new(XVFB);
        command.args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp", "-terminate"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        own_group(&mut command);
        let mut process = command.spawn().with_context(|| {
            format!(
                "--editor needs a display ($DISPLAY names none) or {XVFB}, which cannot be started; \
                 on Debian and Ubuntu: apt install xvfb {LIBRARIES}"
            )
        })?;
        let output = process.stdout.take();
        let mut server = Self { process, number: String::new() };
        let output = output.with_context(|| format!("{XVFB} has no output"))?;
        BufReader::new(output).read_line(&mut server.number)?;
        server.number.truncate(server.number.trim_end().len());
        if server.number.is_empty() {
            bail!("{XVFB} does not start; what it says: {XVFB} -displayfd 1 -nolisten tcp");
        }
        Ok(server)
    }
}

/// Ctrl-C ends the demonstration, which closes its windows; only then the server goes.
#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_command: &mut Command) {}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors say that it has ended. Asked politely, it removes its lock file and its socket.
        #[cfg(unix)]
        if let Some(process) = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        }
        #[cfg(not(unix))]
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
