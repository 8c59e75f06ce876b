//! What egui remembers of where things stand: what is unfolded, how far a list is scrolled, where its windows lie.
//!
//! Called by: the editor's window. Calls: egui's memory, the shell. Threads: [editor].
//!
//! The next window, of the same build or of another, begins with it: the shell holds the bytes. They are written in the
//! frames in which the user has done something, and until all that he set in motion rests, since nobody can be asked for
//! them later: a new build's window is open before the old one goes, and that one may hang or panic by then. Of egui's
//! options (style, theme, zoom) nothing is kept: those are the code's, and its author may just be changing them.

use egui::{Context, Memory};
use hotshell_logic::editor::EditorContext;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Whose bytes these are: egui's names and types are those of one version.
const BY: &str = concat!("hotshell ", env!("CARGO_PKG_VERSION"), ", egui");
/// Longer than egui takes to fold, scroll and fade what the user has touched last, in seconds.
const RESTS: f64 = 1.0;

/// Tells the shell what egui remembers.
#[derive(Default)]
pub(super) struct Memo {
    /// Until then something may move, by egui's clock.
    until: f64,
}

impl Memo {
    /// After a frame.
    pub(super) fn frame(&mut self, egui: &Context, cx: &EditorContext) {
        let (now, touched) = egui.input(|input| (input.time, !input.events.is_empty()));
        if touched {
            self.until = now + RESTS;
        }
        if now < self.until
            && let Some(bytes) = egui.memory(Kept::of).and_then(|kept| kept.write())
        {
            cx.remember(&bytes);
        }
    }
}

/// Before the first frame: where the last window left off. What cannot be read is forgotten.
pub(super) fn restore(egui: &Context, cx: &EditorContext) {
    if let Some(kept) = Kept::read(&cx.remembered()).filter(|kept| kept.failed != Some(cx.build())) {
        egui.memory_mut(|memory| {
            put(&mut memory.data, &kept.data);
            put(memory.areas_mut(), &kept.areas);
        });
    }
}

/// What `build` draws with has failed, maybe of what it found here: its next window begins afresh. Another build's does
/// not: the author has just mended what failed.
pub(super) fn failed(cx: &EditorContext, build: u32) {
    if let Some(kept) = Kept::read(&cx.remembered())
        && let Some(bytes) = (Kept { failed: Some(build), ..kept }).write()
    {
        cx.remember(&bytes);
    }
}

/// What the shell holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    by: String,
    /// The build whose drawing failed with it.
    failed: Option<u32>,
    data: Vec<u8>,
    areas: Vec<u8>,
}

impl Kept {
    fn of(memory: &Memory) -> Option<Self> {
        let (data, areas) = (bytes_of(&memory.data)?, bytes_of(memory.areas())?);
        Some(Self { by: BY.to_owned(), failed: None, data, areas })
    }

    fn write(&self) -> Option<Vec<u8>> {
        rmp_serde::to_vec(self).ok()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        rmp_serde::from_slice(bytes).ok().filter(|kept: &Self| kept.by == BY)
    }
}

fn bytes_of(part: &impl Serialize) -> Option<Vec<u8>> {
    rmp_serde::to_vec_named(part).ok()
}

/// Generic, since egui does not give the type of its areas a name outside.
fn put<T: DeserializeOwned>(place: &mut T, bytes: &[u8]) {
    if let Ok(part) = rmp_serde::from_slice(bytes) {
        *place = part;
    }
}
