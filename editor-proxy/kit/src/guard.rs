//! A handler whose panics end where they are raised: the shell hears of them, and the window draws nothing more.
//!
//! Called by: baseview, on the window's thread. Calls: the author's handler. Threads: [editor].

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire};

use baseview::{
    DamageArea, Event, EventStatus, HandlerError, TimerHandle, WindowContext, WindowHandler, WindowSize,
};
use hotshell_logic::EditorContext;

use crate::window::keys::Keys;

/// Around an author's handler.
pub(crate) struct Guarded<H> {
    inner: H,
    cx: EditorContext,
    window: WindowContext,
    frames: Cell<u32>,
    dead: Cell<bool>,
    closing: Arc<AtomicBool>,
    keys: Keys,
}

impl<H> Guarded<H> {
    pub(crate) fn new(inner: H, cx: EditorContext, window: WindowContext, closing: Arc<AtomicBool>) -> Self {
        let keys = Keys::of(&window);
        Self { inner, cx, window, frames: Cell::new(0), dead: Cell::new(false), closing, keys }
    }

    /// What `call` answers; `or` after a panic, in this call or an earlier one.
    fn call<T>(&self, or: T, call: impl FnOnce(&H) -> T) -> T {
        if self.dead.get() {
            return or;
        }
        let answer = self.cx.guard(|| call(&self.inner));
        self.keys.set(self.cx.keys_wanted());
        match answer {
            Some(answer) => answer,
            None => {
                self.dead.set(true);
                or
            }
        }
    }
}

impl<H: WindowHandler> WindowHandler for Guarded<H> {
    fn draw(&self) -> Result<(), HandlerError> {
        let done = self.call(Ok(()), WindowHandler::draw);
        if let Err(why) = &done {
            self.cx.failed(&why.to_string());
        } else if !self.dead.get() {
            match self.frames.get() {
                0 => self.cx.drawn(),
                _ => return done,
            }
            self.frames.set(1);
        }
        done
    }

    fn damage(&self, area: DamageArea) {
        self.call((), |inner| inner.damage(area));
    }

    fn poll(&self) {
        if self.closing.load(Acquire) {
            self.window.request_close();
            return;
        }
        self.call((), WindowHandler::poll);
    }

    fn resized(&self, new_size: WindowSize) -> Result<(), HandlerError> {
        let done = self.call(Ok(()), |inner| inner.resized(new_size));
        self.window.request_redraw();
        done
    }

    fn on_event(&self, event: Event) -> EventStatus {
        self.call(EventStatus::Ignored, |inner| inner.on_event(event))
    }

    fn on_timer(&self, timer: &TimerHandle) {
        self.call((), |inner| inner.on_timer(timer));
    }
}
