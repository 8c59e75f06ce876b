//! The editor of a VST3 plug-in, in an X11 window of the host's.
//!
//! Called by: `vst3_plugin`. Calls: the plug-in's view. Threads: [main].
#![allow(unsafe_code, reason = "a COM object's functions take C's pointers; each block says whose they are")]

use std::ffi::c_void;
use std::sync::Arc;

use anyhow::{Context, ensure};
use vst3::ComPtr;
use vst3::Steinberg::Vst::IEditController;
use vst3::Steinberg::Vst::IEditControllerTrait;
use vst3::Steinberg::{IPlugView, IPlugViewTrait, ViewRect, kPlatformTypeX11EmbedWindowID, kResultOk};

use super::application::Application;
use crate::Error;

/// Width and height of a rectangle in pixels, if it is one.
pub(super) fn size_of(rect: &ViewRect) -> Option<(u32, u32)> {
    let side =
        |from: i32, to: i32| u32::try_from(i64::from(to) - i64::from(from)).ok().filter(|side| *side > 0);
    Some((side(rect.left, rect.right)?, side(rect.top, rect.bottom)?))
}

/// An editor; closed when dropped.
pub struct View {
    view: ComPtr<IPlugView>,
    attached: bool,
    // After the view, which may call it until it is gone.
    _host: Arc<Application>,
}

impl View {
    /// Makes the editor and tells it its host; with its size in pixels.
    ///
    /// # Errors
    /// There is none, or none for X11.
    pub(super) fn of(
        controller: &ComPtr<IEditController>,
        host: Arc<Application>,
    ) -> Result<(Self, (u32, u32)), Error> {
        // SAFETY: the controller is alive, the name a C string; the reference that comes back is ours.
        let view = unsafe { ComPtr::from_raw(controller.createView(c"editor".as_ptr())) };
        let view = view.context("the plug-in has no editor")?;
        let mut rect = ViewRect { left: 0, top: 0, right: 0, bottom: 0 };
        let frame = host.frame().context("this host has no frame")?.as_ptr();
        // SAFETY: the view is alive; the name is a C string, the rectangle a local; the frame lives as long as this
        // object, which takes it back before it goes.
        unsafe {
            ensure!(
                view.isPlatformTypeSupported(kPlatformTypeX11EmbedWindowID) == kResultOk,
                "the plug-in's editor does not work in an X11 window"
            );
            ensure!(view.getSize(&raw mut rect) == kResultOk, "the plug-in's editor has no size");
            ensure!(view.setFrame(frame) == kResultOk, "the plug-in's editor refuses its frame");
        }
        let size = size_of(&rect).context("the plug-in's editor has no size")?;
        Ok((Self { view, attached: false, _host: host }, size))
    }

    /// Puts it into an X11 window of the host's, which outlives this object.
    ///
    /// # Errors
    /// It refuses.
    pub fn attach(&mut self, window: u32) -> Result<(), Error> {
        let window = usize::try_from(window).context("a window's number")?;
        let parent: *mut c_void = std::ptr::without_provenance_mut(window);
        // SAFETY: the view is alive; for this type of window the pointer is the X server's number of it.
        let result = unsafe { self.view.attached(parent, kPlatformTypeX11EmbedWindowID) };
        ensure!(result == kResultOk, "the plug-in's editor refuses its window (result {result})");
        self.attached = true;
        Ok(())
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: the view is alive; null takes the frame back.
        unsafe {
            if self.attached {
                self.view.removed();
            }
            self.view.setFrame(std::ptr::null_mut());
        }
    }
}
