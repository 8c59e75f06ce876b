//! Safe handles on a build's editor: closed, and open.
//!
//! Called by: `shell/editors`, the editor-proxy. Calls: the logic, through the table. Threads: [`EditorBuild`] [any];
//! an [`OpenEditor`] stays on the thread that opened it.

#![allow(unsafe_code, reason = "DESIGN 9.9 names instance: the only caller through the boundary's table")]

use std::ptr;
use std::sync::Arc;

use hotshell_abi::editor::{EditorArgs, EditorDesc, EditorHandle, EditorKey, EditorSize, WindowHandle};
use hotshell_abi::{ByteSink, Status};

use crate::host::Level;
use crate::instance::SharedHalf;
use crate::rt::editor_host::{EDITOR_HOST, EditorOwner};
use crate::shell::ShellError;

/// The editor of one accepted build, for one plug-in instance.
#[derive(Clone, Debug)]
pub struct EditorBuild {
    shared: Arc<SharedHalf>,
    build: u32,
}

impl EditorBuild {
    pub(crate) const fn new(shared: Arc<SharedHalf>, build: u32) -> Self {
        Self { shared, build }
    }

    /// Number of the build; 0: linked into the shell.
    #[must_use]
    pub const fn build(&self) -> u32 {
        self.build
    }

    /// True if both are the same accepted build.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Size and rules of the author's editor; `None` if he has none. Runs his code.
    ///
    /// # Errors
    /// A panic there.
    pub fn describe(&self) -> Result<Option<EditorDesc>, ShellError> {
        let table = self.shared.table;
        let mut desc = EditorDesc::default();
        // SAFETY: live handle; `desc` is a live local.
        let status = unsafe { (table.0.editor_describe)(self.shared.handle, &raw mut desc) };
        if status == Status::NOT_SUPPORTED {
            return Ok(None);
        }
        table.expect(status, "editor")?;
        Ok(Some(sane(desc)))
    }

    /// Opens it, unmapped, inside `parent`. Runs the author's code, which may take its time.
    ///
    /// # Errors
    /// [`ShellError::NoEditor`] with the author's reason, or a panic.
    pub fn open(
        &self,
        parent: WindowHandle,
        size: EditorSize,
        scale: f64,
        owner: &Arc<EditorOwner>,
    ) -> Result<OpenEditor, ShellError> {
        let table = self.shared.table;
        let args = EditorArgs {
            parent,
            size,
            scale,
            build: self.build,
            reserved: 0,
            host: &raw const EDITOR_HOST,
            context: Arc::as_ptr(owner).cast(),
        };
        let (mut handle, mut message) = (ptr::null_mut(), Vec::new());
        let mut sink = ByteSink::new(&mut message);
        // SAFETY: live shared half; `EDITOR_HOST` is valid for ever, `owner` is alive; the rest are live locals.
        let status = unsafe {
            (table.0.editor_open)(self.shared.handle, &raw const args, &raw mut handle, &raw mut sink)
        };
        match status {
            Status::REFUSED => {
                return Err(ShellError::NoEditor(String::from_utf8_lossy(&message).into_owned()));
            }
            Status::NOT_SUPPORTED => return Err(ShellError::NoEditor("this build has none".to_owned())),
            status => table.expect(status, "editor")?,
        }
        if handle.is_null() {
            return Err(ShellError::Incompatible("editor_open answered nothing".to_owned()));
        }
        Ok(OpenEditor { shared: Arc::clone(&self.shared), handle })
    }
}

/// A size of 0 divides nothing, and limits stand in their order.
fn sane(mut desc: EditorDesc) -> EditorDesc {
    desc.size = desc.size.scaled(1.0);
    desc.min = desc.min.scaled(1.0);
    desc.max = desc.max.scaled(1.0);
    desc.max.width = desc.max.width.max(desc.min.width);
    desc.max.height = desc.max.height.max(desc.min.height);
    desc
}

/// An open editor. Dropped: closed, by the author's code, which may take its time. Not `Send`.
#[derive(Debug)]
pub struct OpenEditor {
    shared: Arc<SharedHalf>,
    handle: EditorHandle,
}

impl OpenEditor {
    /// Maps or unmaps its window.
    ///
    /// # Errors
    /// A panic there.
    pub fn show(&self, visible: bool) -> Result<(), ShellError> {
        // SAFETY: live handle, used on the thread that opened it (`OpenEditor` is not `Send`).
        let status = unsafe { (self.shared.table.0.editor_show)(self.handle, u32::from(visible)) };
        self.shared.table.expect(status, "editor")
    }

    /// The window around it has this size, in physical pixels.
    ///
    /// # Errors
    /// A panic there.
    pub fn resize(&self, size: EditorSize) -> Result<(), ShellError> {
        // SAFETY: as in `show`.
        let status = unsafe { (self.shared.table.0.editor_resize)(self.handle, size) };
        self.shared.table.expect(status, "editor")
    }

    /// Physical pixels to a logical one.
    ///
    /// # Errors
    /// A panic there.
    pub fn scale(&self, scale: f64) -> Result<(), ShellError> {
        // SAFETY: as in `show`.
        let status = unsafe { (self.shared.table.0.editor_scale)(self.handle, scale) };
        self.shared.table.expect(status, "editor")
    }

    /// A key that the host passed on; true if it was of use.
    ///
    /// # Errors
    /// A panic there.
    pub fn key(&self, key: EditorKey) -> Result<bool, ShellError> {
        // SAFETY: as in `show`; `key` is a live local.
        let status = unsafe { (self.shared.table.0.editor_key)(self.handle, &raw const key) };
        if status == Status::NOT_SUPPORTED {
            return Ok(false);
        }
        self.shared.table.expect(status, "editor").map(|()| true)
    }

    /// What the host says of the plug-in's surroundings has changed: it is drawn again.
    ///
    /// # Errors
    /// A panic there.
    pub fn repaint(&self) -> Result<(), ShellError> {
        // SAFETY: as in `show`.
        let status = unsafe { (self.shared.table.0.editor_repaint)(self.handle) };
        self.shared.table.expect(status, "editor")
    }
}

impl Drop for OpenEditor {
    fn drop(&mut self) {
        // SAFETY: made by `editor_open`, closed once, on the thread that opened it.
        let status = unsafe { (self.shared.table.0.editor_close)(self.handle) };
        // A panic was caught on the other side; nothing is left to do about it but to say so.
        if let Err(error) = self.shared.table.expect(status, "the editor's `drop`") {
            self.shared.store.say(Level::Error, &error.to_string());
        }
    }
}
