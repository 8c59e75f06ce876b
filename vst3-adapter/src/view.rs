//! The editor's window: one editor-proxy for the life of a view.
//!
//! Called by: `com/view`. Calls: the editor-proxy, `instance`. Threads: [main]; a call from another thread than the
//! view's own is refused.
//!
//! Hosts call back from inside a request of ours (`resizeView` calls `onSize`). Such a call finds the proxy in use: a size
//! is kept for the moment after, everything else is refused.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::thread::ThreadId;

use hotshell_editor_proxy::{EditorProxy, EditorSize, WindowHost};

use crate::instance::Instance;

/// One view's window.
pub(crate) struct Window {
    instance: Arc<Instance>,
    proxy: RefCell<EditorProxy>,
    home: ThreadId,
    /// Set by the host from inside a request of ours.
    later: Cell<Option<EditorSize>>,
}

impl Window {
    /// `None` if the plug-in has no editor.
    pub(crate) fn new(instance: &Arc<Instance>, host: Box<dyn WindowHost>) -> Option<Self> {
        let editors = instance.live()?.shell.editors()?;
        if !instance.is_hot() && !EditorProxy::is_there(editors.as_ref()) {
            return None;
        }
        Some(Self {
            instance: Arc::clone(instance),
            proxy: RefCell::new(EditorProxy::new(editors, host)),
            home: std::thread::current().id(),
            later: Cell::new(None),
        })
    }

    /// True on the view's own thread.
    pub(crate) fn is_home(&self) -> bool {
        std::thread::current().id() == self.home
    }

    /// What `call` answers; `None` inside a request of ours and on a foreign thread.
    pub(crate) fn with<T>(&self, call: impl FnOnce(&mut EditorProxy) -> T) -> Option<T> {
        let mut proxy = self.is_home().then(|| self.proxy.try_borrow_mut().ok())??;
        let answer = call(&mut proxy);
        if let Some(size) = self.later.take() {
            proxy.set_size(size);
        }
        Some(answer)
    }

    /// The host's window has this size.
    pub(crate) fn set_size(&self, size: EditorSize) -> bool {
        if !self.is_home() {
            return false;
        }
        if self.with(|proxy| proxy.set_size(size)).is_none() {
            self.later.set(Some(size));
        }
        true
    }

    /// A safe call: what there is to do for the editor, and to tell the host.
    pub(crate) fn tick(&self) {
        if self.is_home() {
            self.with(EditorProxy::tick);
            self.instance.tell();
        }
    }
}
