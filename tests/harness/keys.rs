//! The process's thread-specific keys: taken away, and what a thread has under them.
//!
//! Called by: tests of what happens when there are none left. Calls: pthread. Threads: [any].

#![allow(unsafe_code, reason = "tests/house.rs: the harness")]

/// Keys that nobody else can have until this is dropped.
#[derive(Debug)]
pub struct Keys(Vec<libc::pthread_key_t>);

impl Keys {
    /// All that are left.
    #[must_use]
    pub fn all() -> Self {
        let (mut keys, mut key) = (Vec::new(), 0);
        // SAFETY: `key` is a place for one; no destructor.
        while unsafe { libc::pthread_key_create(&raw mut key, None) } == 0 {
            keys.push(key);
        }
        Self(keys)
    }

    /// Gives this many back.
    ///
    /// # Panics
    /// If it does not hold as many.
    pub fn give(&mut self, count: usize) {
        let rest = self.0.len().checked_sub(count).expect("it holds as many");
        for key in self.0.drain(rest..) {
            // SAFETY: a key of ours, that nobody else knows.
            unsafe { libc::pthread_key_delete(key) };
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.give(self.0.len());
    }
}

/// Keys under which this thread has what std leaves there (1) for its own end: each library has its own std, and the key's
/// destructor is in the library.
#[must_use]
pub fn left_for_the_end() -> Vec<libc::pthread_key_t> {
    /// `PTHREAD_KEYS_MAX`.
    const MOST: libc::pthread_key_t = 1024;
    // SAFETY: glibc answers null for a key that there is not.
    (0..MOST).filter(|key| unsafe { libc::pthread_getspecific(*key) }.addr() == 1).collect()
}
