//! The author's editor behind the table.
//!
//! Called by: the shell, through the table. Calls: the author, and what he built his window with. Threads: [editor], the
//! one that opened it; `describe` also [main].

#![allow(unsafe_code, reason = "DESIGN 9.9 names core/logic/src/export: pointers that cross the boundary")]

use std::sync::Arc;

use hotshell_abi::editor::{EditorArgs, EditorDesc, EditorHandle, EditorHostRef, EditorKey, EditorSize};
use hotshell_abi::table::SharedHandle;
use hotshell_abi::{ByteSink, Sample, Status};

use crate::editor::{EditorContext, EditorWindow, WeakContext, or_stand_in};
use crate::export::panic::gate;
use crate::export::shared::{Shared, refuse};
use crate::plugin::PluginLogicCore;

/// What an `EditorHandle` points to.
struct Open {
    window: Box<dyn EditorWindow>,
    /// As long as the window keeps it: what wakes it goes with it.
    cx: WeakContext,
}

pub(super) unsafe extern "C" fn describe<G: PluginLogicCore<S>, S: Sample>(
    shared: SharedHandle,
    out: *mut EditorDesc,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on handles and results.
        let (shared, out) = unsafe { (Shared::<G::Params>::of(shared), out.as_mut()) };
        let (Some(shared), Some(out)) = (shared, out) else { return Status::BAD_ARGUMENT };
        let Some(editor) = or_stand_in(G::editor(&shared.params)) else { return Status::NOT_SUPPORTED };
        *out = editor.desc();
        Status::OK
    })
}

pub(super) unsafe extern "C" fn open<G: PluginLogicCore<S>, S: Sample>(
    shared: SharedHandle,
    args: *const EditorArgs,
    out: *mut EditorHandle,
    message: *mut ByteSink<'_>,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on handles, arguments, results and sinks.
        let (shared, args, out, message) =
            unsafe { (Shared::<G::Params>::of(shared), args.as_ref(), out.as_mut(), message.as_mut()) };
        let (Some(shared), Some(args), Some(out)) = (shared, args, out) else { return Status::BAD_ARGUMENT };
        // SAFETY: the table's contract: the host's table is valid for ever, its context alive during the call.
        let host = unsafe { EditorHostRef::retain(args.host, args.context) };
        let Some(host) = host else { return Status::BAD_ARGUMENT };
        let Some(editor) = or_stand_in(G::editor(&shared.params)) else { return Status::NOT_SUPPORTED };
        let cx = EditorContext::new(args, host, Arc::clone(&shared.parts));
        let weak = cx.downgrade();
        match editor.build(cx) {
            Ok(window) => {
                *out = Box::into_raw(Box::new(Open { window, cx: weak })).cast();
                Status::OK
            }
            Err(why) => refuse(&why.to_string(), message),
        }
    })
}

pub(super) unsafe extern "C" fn close(editor: EditorHandle) -> Status {
    if editor.is_null() {
        return Status::BAD_ARGUMENT;
    }
    gate(|| {
        // SAFETY: the handle came from `open`'s `Box::into_raw`, and the shell closes it once, on the thread that opened
        // it. A panic of the window's own thread comes up again in this drop, and dies in the gate.
        drop(unsafe { Box::from_raw(editor.cast::<Open>()) });
        Status::OK
    })
}

/// # Safety
/// `editor` is null or came from `open`, was not closed, and this is the thread that opened it.
unsafe fn with(editor: EditorHandle, call: impl FnOnce(&mut Open) -> Status) -> Status {
    gate(|| {
        // SAFETY: by contract.
        let Some(open) = (unsafe { editor.cast::<Open>().as_mut() }) else { return Status::BAD_ARGUMENT };
        call(open)
    })
}

pub(super) unsafe extern "C" fn show(editor: EditorHandle, visible: u32) -> Status {
    let call = |open: &mut Open| {
        open.window.show(visible != 0);
        Status::OK
    };
    // SAFETY: the table's contract on editor handles.
    unsafe { with(editor, call) }
}

pub(super) unsafe extern "C" fn resize(editor: EditorHandle, size: EditorSize) -> Status {
    let call = |open: &mut Open| {
        open.window.resize(size.width, size.height);
        Status::OK
    };
    // SAFETY: the table's contract on editor handles.
    unsafe { with(editor, call) }
}

pub(super) unsafe extern "C" fn scale(editor: EditorHandle, scale: f64) -> Status {
    let call = |open: &mut Open| {
        open.window.scale(scale);
        Status::OK
    };
    // SAFETY: the table's contract on editor handles.
    unsafe { with(editor, call) }
}

pub(super) unsafe extern "C" fn key(editor: EditorHandle, key: *const EditorKey) -> Status {
    // SAFETY: the table's contract: null or readable for the call.
    let Some(key) = (unsafe { key.as_ref() }) else { return Status::BAD_ARGUMENT };
    let call = |open: &mut Open| {
        if open.window.key(key) { Status::OK } else { Status::NOT_SUPPORTED }
    };
    // SAFETY: the table's contract on editor handles.
    unsafe { with(editor, call) }
}

pub(super) unsafe extern "C" fn repaint(editor: EditorHandle) -> Status {
    let call = |open: &mut Open| {
        if let Some(cx) = open.cx.upgrade() {
            cx.repaint();
        }
        Status::OK
    };
    // SAFETY: the table's contract on editor handles.
    unsafe { with(editor, call) }
}
