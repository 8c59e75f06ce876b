//! Which thread this is, for what belongs to one.
//!
//! Not `std::thread::current`: on a thread that is the host's it leaves a destructor behind (a pthread key's, std 1.95)
//! that runs as the thread ends, and a host may have unloaded the library by then. A place in memory of the thread's own,
//! without a destructor, tells as much.
//!
//! Called by: `view`, `com/left`, `instance/clock`. Calls: nothing. Threads: [any] but audio.

thread_local! {
    static PLACE: u8 = const { 0 };
}

/// A thread, among those that live. One that begins after another has ended may be taken for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Home(usize);

impl Home {
    /// The thread that asks.
    pub(crate) fn here() -> Self {
        Self(PLACE.with(|place| std::ptr::from_ref(place).addr()))
    }
}

#[cfg(test)]
mod tests {
    use super::Home;

    #[test]
    fn each_living_thread_is_its_own() {
        let here = Home::here();
        assert_eq!(here, Home::here());
        std::thread::scope(|threads| {
            let other = threads.spawn(Home::here);
            assert_ne!(other.join().expect("it ends"), here);
        });
    }
}
