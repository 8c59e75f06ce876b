//! The VST3 host's menu of a parameter.
//!
//! Called by: the plug-in, through its component handler. Calls: nothing. Threads: the plug-in's main thread.

#![allow(unsafe_code, reason = "implements COM interfaces; harness, DESIGN 9.9")]

use std::ptr;
use std::sync::{Arc, PoisonError};

use vst3::Steinberg::Vst::{
    IComponentHandler3Trait, IContextMenu, IContextMenu_, IContextMenuTarget, IContextMenuTrait, ParamID,
};
use vst3::Steinberg::{IPlugView, UCoord, int32, kNotImplemented, kResultOk, tresult};
use vst3::{Class, ComWrapper};

use super::objects::{App, AppData};
use super::plugin::Vst3;

/// What the host does while its menu is open, which is in no hurry to close.
pub type WhileOpen = Arc<dyn Fn() + Send + Sync>;

/// A menu that the user never chooses from.
struct Menu {
    app: Arc<AppData>,
    id: ParamID,
}

impl Class for Menu {
    type Interfaces = (IContextMenu,);
}

impl IContextMenuTrait for Menu {
    unsafe fn getItemCount(&self) -> int32 {
        0
    }
    unsafe fn getItem(
        &self,
        _index: int32,
        _item: *mut IContextMenu_::Item,
        _target: *mut *mut IContextMenuTarget,
    ) -> tresult {
        kNotImplemented
    }
    unsafe fn addItem(&self, _item: *const IContextMenu_::Item, _target: *mut IContextMenuTarget) -> tresult {
        kNotImplemented
    }
    unsafe fn removeItem(
        &self,
        _item: *const IContextMenu_::Item,
        _target: *mut IContextMenuTarget,
    ) -> tresult {
        kNotImplemented
    }
    unsafe fn popup(&self, x: UCoord, y: UCoord) -> tresult {
        let desk = self.app.calls.desk.lock();
        desk.unwrap_or_else(PoisonError::into_inner).menus.push((self.id, x, y));
        let open = self.app.menu.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(open) = open {
            open();
        }
        kResultOk
    }
}

impl IComponentHandler3Trait for App {
    unsafe fn createContextMenu(&self, view: *mut IPlugView, id: *const ParamID) -> *mut IContextMenu {
        if view.is_null() || id.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: VST3: null or a parameter's id, valid for the call.
        let menu = Menu { app: Arc::clone(&self.0), id: unsafe { *id } };
        ComWrapper::new(menu).to_com_ptr().map_or(ptr::null_mut(), vst3::ComPtr::into_raw)
    }
}

impl Vst3 {
    /// While the next menu is open the host does this.
    pub fn while_menu(&mut self, open: WhileOpen) {
        *self.data.menu.lock().unwrap_or_else(PoisonError::into_inner) = Some(open);
    }
}
