//! The VST3 host's menu of a parameter.
//!
//! Called by: the plug-in, through its component handler. Calls: nothing. Threads: the plug-in's main thread.

#![allow(unsafe_code, reason = "implements COM interfaces; harness, DESIGN 9.9")]

use std::ptr;
use std::sync::PoisonError;

use vst3::Steinberg::Vst::{
    IComponentHandler3Trait, IContextMenu, IContextMenu_, IContextMenuTarget, IContextMenuTrait, ParamID,
};
use vst3::Steinberg::{IPlugView, UCoord, int32, kNotImplemented, kResultOk, tresult};
use vst3::{Class, ComWrapper};

use super::objects::App;
use crate::calls::Calls;

/// A menu that the user never chooses from.
struct Menu {
    calls: std::sync::Arc<Calls>,
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
        let desk = self.calls.desk.lock();
        desk.unwrap_or_else(PoisonError::into_inner).menus.push((self.id, x, y));
        kResultOk
    }
}

impl IComponentHandler3Trait for App {
    unsafe fn createContextMenu(&self, view: *mut IPlugView, id: *const ParamID) -> *mut IContextMenu {
        if view.is_null() || id.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: VST3: null or a parameter's id, valid for the call.
        let menu = Menu { calls: std::sync::Arc::clone(&self.0.calls), id: unsafe { *id } };
        ComWrapper::new(menu).to_com_ptr().map_or(ptr::null_mut(), vst3::ComPtr::into_raw)
    }
}
