//! Results of calls through the tables, and why an instance exists.
//!
//! Called by: both sides. Calls: nothing. Threads: [any].

/// What a call through a table answered. A newtype and not an enum: the other side may be newer and answer a number
/// that this side has no name for, which counts as a failure.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[must_use]
pub struct Status(pub u32);

impl Status {
    /// Done.
    pub const OK: Self = Self(0);
    /// A panic was caught inside the call. The object that the call was made on must not be used again, except to
    /// destroy it; [`LogicApi::last_panic`](crate::LogicApi::last_panic) tells the message and the place.
    pub const PANICKED: Self = Self(1);
    /// The call was understood and refused (a state that does not decode, a text that does not parse). Where the call
    /// has a `message` sink it holds the reason.
    pub const REFUSED: Self = Self(2);
    /// The author's code has nothing to offer here (no `import_state`, say).
    pub const NOT_SUPPORTED: Self = Self(3);
    /// The output did not fit; what was written is valid up to the reported length.
    pub const TRUNCATED: Self = Self(4);
    /// An argument was out of range (an index, a null pointer).
    pub const BAD_ARGUMENT: Self = Self(5);

    /// True for [`Status::OK`].
    #[must_use]
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }
}

/// Why an instance was created, or why a first block is a first block.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Reason(pub u32);

impl Reason {
    /// Not a first block.
    pub const NONE: Self = Self(0);
    /// The host made a plug-in instance, or activated it.
    pub const HOST: Self = Self(1);
    /// A new build replaces an older one.
    pub const RELOAD: Self = Self(2);
    /// The last good build replaces one that failed while it played.
    pub const FAULT: Self = Self(3);
    /// A trial before publishing, in a child process.
    pub const TRIAL: Self = Self(4);
    /// A test (the Rig).
    pub const TEST: Self = Self(5);
}
