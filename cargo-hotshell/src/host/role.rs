//! Which of the host's threads this one is, for CLAP's thread-check.
//!
//! Called by: `plugin`, `engine`, `handlers`. Calls: nothing. Threads: [any]; the mark is the calling thread's own.

use std::cell::Cell;

/// What CLAP calls a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The thread that opened the plug-in.
    Main,
    /// A thread inside the audio half of a plug-in.
    Audio,
    /// Any other.
    Other,
}

thread_local! {
    static ROLE: Cell<Role> = const { Cell::new(Role::Other) };
}

/// The role of the calling thread.
pub fn role() -> Role {
    ROLE.get()
}

/// Marks the calling thread as main, for good.
pub fn become_main() {
    ROLE.set(Role::Main);
}

/// Runs `work` as the audio thread and returns to the former role, also when it unwinds.
pub fn as_audio<T>(work: impl FnOnce() -> T) -> T {
    struct Restore(Role);
    impl Drop for Restore {
        fn drop(&mut self) {
            ROLE.set(self.0);
        }
    }
    let _restore = Restore(ROLE.replace(Role::Audio));
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audio_role_ends_with_its_work() {
        become_main();
        assert_eq!(as_audio(role), Role::Audio);
        assert_eq!(role(), Role::Main);
        assert_eq!(std::thread::scope(|scope| scope.spawn(role).join().unwrap()), Role::Other);
    }
}
