//! How a thread of ours starts: named, scheduled as an ordinary one, deaf to signals.
//!
//! Called by: `reload`. Calls: the operating system. Threads: [reload] [watch] and the watchdog, first thing.
//!
//! A thread inherits policy, affinity and signal mask of the thread that starts it. Where a host makes its plug-ins on
//! a real-time thread, a compiler-like job of ours would run at real-time priority.

#![allow(unsafe_code, reason = "DESIGN 9.9: calls of the operating system that have no safe form")]

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread that calls [`calm`] first. `name`: 15 bytes are shown by Linux.
///
/// # Errors
/// The system has no thread left.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(move || {
        calm();
        run();
    })
}

/// Makes the calling thread an ordinary one of slightly low priority, free of its parent's processor and signals. What
/// the system refuses stays as it was: nothing depends on it.
#[cfg(unix)]
pub fn calm() {
    block_signals();
    #[cfg(target_os = "linux")]
    schedule();
}

/// Makes the calling thread an ordinary one. New threads are, on this system.
#[cfg(not(unix))]
pub fn calm() {}

/// Signals are the host's business, but for those that a thread raises by its own fault.
#[cfg(unix)]
fn block_signals() {
    const OWN_FAULTS: [libc::c_int; 7] =
        [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT, libc::SIGSYS];
    // SAFETY: a signal set is plain data for which zero is a valid value; each call gets its live local address, and
    // null asks for no old mask.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        for signal in OWN_FAULTS {
            libc::sigdelset(&raw mut set, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
    }
}

/// Nice value: below the host's interface, above a compiler started by `dev`.
#[cfg(target_os = "linux")]
const NICE: libc::c_int = 2;

#[cfg(target_os = "linux")]
fn schedule() {
    // SAFETY: both structures are plain data for which zero is a valid value; each call gets live locals of the size it
    // is told. On Linux 0 means the calling thread, and the process id names the main thread.
    unsafe {
        let mut parameter: libc::sched_param = std::mem::zeroed();
        parameter.sched_priority = 0;
        libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const parameter);
        libc::setpriority(libc::PRIO_PROCESS, 0, NICE);
        let mut processors: libc::cpu_set_t = std::mem::zeroed();
        let size = size_of::<libc::cpu_set_t>();
        if libc::sched_getaffinity(libc::getpid(), size, &raw mut processors) == 0 {
            libc::sched_setaffinity(0, size, &raw const processors);
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    /// One field of the calling thread's `/proc` status.
    fn status(field: &str) -> String {
        let text = std::fs::read_to_string("/proc/thread-self/status").expect("Linux has it");
        let line = text.lines().find(|line| line.starts_with(field)).expect("the field is there");
        line.split_whitespace().nth(1).expect("and has a value").to_owned()
    }

    #[test]
    fn a_thread_of_ours_is_named_ordinary_and_deaf_to_the_hosts_signals() {
        let (tell, told) = std::sync::mpsc::channel();
        let thread = super::spawn("hotshell-test", move || {
            let mask = u64::from_str_radix(&status("SigBlk:"), 16).unwrap();
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let fields: Vec<String> =
                stat.rsplit(')').next().unwrap().split_whitespace().map(str::to_owned).collect();
            tell.send((status("Name:"), mask, fields[16].clone(), fields[38].clone())).unwrap();
        });
        thread.unwrap().join().unwrap();
        let (name, mask, nice, policy) = told.recv().unwrap();
        assert_eq!(name, "hotshell-test");
        let bit = |signal: i32| mask >> (signal - 1) & 1;
        assert_eq!((bit(libc::SIGTERM), bit(libc::SIGUSR1), bit(libc::SIGCHLD)), (1, 1, 1));
        assert_eq!((bit(libc::SIGSEGV), bit(libc::SIGBUS)), (0, 0));
        // A test run that is itself nicer than that cannot be less nice.
        assert!(nice.parse::<i32>().unwrap() >= super::NICE, "nice {nice}");
        assert_eq!(policy, "0", "SCHED_OTHER");
    }
}
