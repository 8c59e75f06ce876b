//! Looks at the plug-in's window while its editor changes: pictures of it, and when the new editor was first seen.
//!
//! "Seen" is decided by the pixels alone: of the left part of the window, where the knob and the build's number
//! are, below the strip of messages. Nothing there moves by itself; the meter beside it does.
//!
//! Called by: `demo`. Calls: `host/desktop`. Threads: [main].

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use anyhow::ensure;
use hotshell_core::reload::slot;

use crate::Error;
use crate::host::desktop::{Desktop, Part, Picture};
use crate::host::plugin::Plugin;

/// The part that stands still, in the example's window: left, top, width, height in pixels.
const STILL: Part = (0, 48, 80, 128);
/// The part where a strip of messages is; beside the meter.
const STRIP: Part = (0, 0, 80, 16);
/// Fewer colours than an editor has are a message or nothing.
const COLOURS: usize = 24;
/// Looks without a change before a picture counts as still.
const LOOKS: usize = 20;
/// Looks that are kept: some minutes.
const KEPT: usize = 30_000;

/// What there was to see, before, meanwhile and after.
#[derive(Debug)]
pub struct Seen {
    /// The editor that was there first, below a build's failure, and the next one.
    pub before: Picture,
    /// The first editor with the compiler's message.
    pub failed: Picture,
    /// The compiler's first error, with its place, as `dev` has told it.
    pub told: String,
    /// The next editor.
    pub after: Picture,
    /// Nanoseconds since 1970, when the next editor was first there.
    pub at: u64,
    /// The plug-in's window in the host's was the same all the time, and the only one.
    pub same_window: bool,
}

impl Seen {
    /// True if the failed build's message is on the window, and below it the editor that was there before.
    #[must_use]
    pub fn has_message(&self) -> bool {
        let [before, failed] = [&self.before, &self.failed];
        before.part(STRIP) != failed.part(STRIP) && before.part(STILL) == failed.part(STILL)
    }

    /// True if the next editor looks different.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.before.part(STILL) != self.after.part(STILL)
    }
}

/// One look.
#[derive(Clone, Copy, Debug)]
struct Look {
    time: u64,
    /// Of the still part's pixels.
    print: u64,
    /// True if it may be an editor.
    is_picture: bool,
}

/// Eyes on one window.
#[derive(Debug)]
pub struct Eye {
    desktop: Desktop,
    child: u32,
    looks: Vec<Look>,
}

impl Eye {
    /// Opens the plug-in's editor in a window on the display.
    ///
    /// # Errors
    /// There is no display, or the plug-in refuses.
    pub fn open(plugin: &mut Plugin) -> Result<Self, Error> {
        let desktop = Desktop::around(plugin)?;
        let children = desktop.children()?;
        ensure!(children.len() == 1, "the plug-in has {} windows in the host's, not one", children.len());
        let child = children.first().copied().unwrap_or(0);
        Ok(Self { desktop, child, looks: Vec::new() })
    }

    /// Takes a look, and gives the window the size that the editor has asked for.
    ///
    /// # Errors
    /// The window cannot be seen.
    pub fn look(&mut self, plugin: &Plugin) -> Result<(), Error> {
        ensure!(self.desktop.turn(plugin)?, "the window was closed before the demonstration was over");
        let part = self.part(STILL)?;
        let time = slot::now();
        let mut hasher = DefaultHasher::new();
        part.pixels.hash(&mut hasher);
        if self.looks.len() >= KEPT {
            self.looks.drain(..KEPT / 2);
        }
        self.looks.push(Look { time, print: hasher.finish(), is_picture: part.colours() >= COLOURS });
        Ok(())
    }

    fn part(&self, part: Part) -> Result<Picture, Error> {
        self.desktop.part(part)
    }

    /// What the still part shows, once it is an editor and has stood still for a while.
    #[must_use]
    pub fn still(&self) -> Option<u64> {
        still(&self.looks)
    }

    /// When the still part first looked as it does at the end.
    #[must_use]
    pub fn since(&self) -> Option<u64> {
        since(&self.looks)
    }

    /// The pixels where a strip of messages would be.
    ///
    /// # Errors
    /// The window cannot be seen.
    pub fn strip(&self) -> Result<Picture, Error> {
        self.part(STRIP)
    }

    /// The whole window.
    ///
    /// # Errors
    /// It cannot be seen.
    pub fn picture(&self) -> Result<Picture, Error> {
        self.desktop.picture()
    }

    /// True if the plug-in's window in the host's is the one that was there at first, and the only one.
    ///
    /// # Errors
    /// The X server is gone.
    pub fn is_same_window(&self) -> Result<bool, Error> {
        Ok(self.desktop.children()? == [self.child])
    }
}

fn still(looks: &[Look]) -> Option<u64> {
    let last = looks.last().filter(|look| look.is_picture)?;
    let same = looks.iter().rev().take_while(|look| look.print == last.print).count();
    (same >= LOOKS).then_some(last.print)
}

fn since(looks: &[Look]) -> Option<u64> {
    let last = looks.last()?;
    looks.iter().rev().take_while(|look| look.print == last.print).last().map(|look| look.time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(prints: &[(u64, usize)]) -> Vec<Look> {
        let prints = prints.iter().flat_map(|(print, count)| std::iter::repeat_n(*print, *count));
        prints.zip(0..).map(|(print, time)| Look { time, print, is_picture: print > 0 }).collect()
    }

    #[test]
    fn an_editor_is_still_after_some_looks_without_a_change_and_no_message_is_one() {
        assert_eq!(still(&looks(&[(7, LOOKS)])), Some(7));
        assert_eq!(still(&looks(&[(7, LOOKS), (8, LOOKS - 1)])), None);
        assert_eq!(still(&looks(&[(0, 100)])), None);
    }

    /// The example's window, with a pixel of another colour here and there.
    fn seen(failed: &[(u32, u32)], after: &[(u32, u32)]) -> Seen {
        let picture = |spots: &[(u32, u32)]| {
            let pixels = (0..200).flat_map(|y| (0..240).map(move |x| (x, y)));
            let pixels = pixels.map(|place| u32::from(spots.contains(&place))).collect();
            Picture { width: 240, height: 200, pixels }
        };
        let [before, failed, after] = [picture(&[]), picture(failed), picture(after)];
        Seen { before, failed, told: String::new(), after, at: 0, same_window: true }
    }

    #[test]
    fn a_message_is_above_an_editor_that_stays_and_the_next_one_is_another() {
        let (strip, knob, meter) = ((10, 10), (40, 80), (120, 80));
        assert!(seen(&[strip, meter], &[]).has_message());
        assert!(!seen(&[meter], &[]).has_message(), "only the meter moved");
        assert!(!seen(&[strip, knob], &[]).has_message(), "the editor went");
        assert!(seen(&[], &[knob]).has_changed() && !seen(&[], &[meter]).has_changed());
    }

    #[test]
    fn it_is_seen_from_the_first_look_on_that_is_like_the_last() {
        assert_eq!(since(&looks(&[(7, 30), (8, 2), (7, 5), (9, 25)])), Some(37));
        assert_eq!(since(&[]), None);
    }
}
