//! What a reload does to your code, and what it asks of it.
//!
//! Called by: nobody; a page of the documentation. Calls: nothing. Threads: none.
//!
//! # What happens
//! A new build is a new library with a copy of everything: your statics, your dependencies, your threads. For each
//! instance that plays, the shell binds the values it holds to the new build's parameters by id, calls `create` and
//! `reset`, runs a few silent blocks, calls `clear`, and hands the instance over. In one block the old instance writes
//! its `snapshot`, the new one reads it in `restore`, is told of held notes, pedals and expression, and is faded in. The
//! old instance is dropped on another thread; its library stays loaded.
//!
//! # What survives
//! | what | how |
//! |---|---|
//! | parameters, `#[persist]`, `#[keep]`, meters | by id; the shell holds them |
//! | egui's own memory: what is unfolded, scrolled, moved | by itself, until the instance goes; not saved |
//! | fields of `Self` | what `snapshot` and `restore` carry, nothing else |
//! | `#[local]` fields | not |
//! | statics, `OnceLock`, thread-locals | not: each build has its own, and none is ever dropped |
//! | pools of rayon or tokio | not: born again per build, and their old threads stay |
//! | files, sockets, licences opened in `create` | opened again per build, and in the trial before it |
//!
//! - A parameter that is gone keeps its value and its automation, and has them when its id comes back. A value that was
//!   still at the old default follows the new one.
//! - Threads of yours go on running *old* code. Stop them in `Drop`.
//! - `println!` writes to a DAW's output that nobody sees. Lines of [`crate::log`] reach the `dev` terminal and the
//!   host; from `process`, [`rt_log!`](crate::rt_log).
//! - A panic anywhere in your code does not stop the sound: the block is completed, and the last good build comes back.
//!   A crash that no process survives (a segmentation fault, an abort, an endless loop) is not caught in the host.
//!
//! # What it asks
//! - `create` is repeatable: it runs for every build, every instance and every trial. [`reason`] says which.
//! - Ids never change; `was = ["old"]` renames.
//! - What a snapshot's key means never changes either: change the key with it.
//!
//! [`reason`]: crate::prelude::CreateContext::reason
