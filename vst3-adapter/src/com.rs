//! The COM object: which interfaces it has, and the text that travels through them.
//!
//! Called by: `factory`, and the files that implement an interface. Calls: nothing. Threads: [any].
//!
//! The vst3 crate's own lists end at 15 interfaces, so the list stands here. One object is component and controller;
//! the set of interfaces is the same for every plug-in, and what a plug-in does not have answers "none" (FORMATS 5).

#![allow(unsafe_code, reason = "DESIGN 9.9: a COM object's layout is a promise to C")]

use std::mem::size_of;
use std::sync::Arc;

use vst3::Steinberg::Vst::ChannelContext::IInfoListener;
use vst3::Steinberg::Vst::{
    IAudioPresentationLatency, IAudioProcessor, IComponent, IConnectionPoint, IEditController,
    IEditController2, IEditControllerHostEditing, IMidiMapping, IMidiMapping2, INoteExpressionController,
    INoteExpressionPhysicalUIMapping, IParameterFunctionName, IPrefetchableSupport,
    IProcessContextRequirements, IRemapParamID, IUnitInfo, String128,
};
use vst3::com_scrape_types::{Construct, Guid, InterfaceList, MakeHeader};
use vst3::{Class, ComWrapper, Interface};

use crate::instance::Instance;

mod component;
pub(crate) mod context;
mod edit;
mod extras;
pub(crate) mod handler;
#[cfg(feature = "editor")]
mod keys;
pub(crate) mod left;
mod notes;
pub(crate) mod run_loop;
pub(crate) mod stream;
mod units;
#[cfg(feature = "editor")]
mod view;

pub(crate) use extras::{PREFETCH_UNREAD, prefetchable};
pub(crate) use notes::takes_expressions;

/// The object that a host holds.
pub(crate) struct Component(pub(crate) Arc<Instance>);

impl Class for Component {
    type Interfaces = Interfaces;
}

/// Bytes from one interface to the next in the header.
#[expect(clippy::cast_possible_wrap, reason = "the size of a pointer")]
const STEP: isize = size_of::<*mut ()>() as isize;

macro_rules! interfaces {
    ($($place:literal $interface:ident),* $(,)?) => {
        /// One pointer to a table of functions for each interface.
        #[repr(C)]
        pub(crate) struct Header($($interface),*);

        /// The list of interfaces, in the header's order.
        pub(crate) struct Interfaces;

        // SAFETY: `Header` is `repr(C)` and each of its fields has a pointer's size, so field `n` lies at `n * STEP`.
        unsafe impl InterfaceList for Interfaces {
            type Header = Header;

            fn query(iid: &Guid) -> Option<isize> {
                $(if $interface::inherits(iid) {
                    return Some($place * STEP);
                })*
                None
            }
        }

        // SAFETY: field `n` is the table made for offset `n * STEP`, the one that `query` answers for it.
        unsafe impl MakeHeader<Component, ComWrapper<Component>> for Interfaces {
            const HEADER: Header = Header(
                $(<$interface as Construct<Component, ComWrapper<Component>, { $place * STEP }>>::OBJ),*
            );
        }
    };
}

interfaces! {
    0 IComponent,
    1 IAudioProcessor,
    2 IEditController,
    3 IEditController2,
    4 IEditControllerHostEditing,
    5 IConnectionPoint,
    6 IUnitInfo,
    7 IMidiMapping,
    8 INoteExpressionController,
    9 INoteExpressionPhysicalUIMapping,
    10 IProcessContextRequirements,
    11 IInfoListener,
    12 IRemapParamID,
    13 IParameterFunctionName,
    14 IAudioPresentationLatency,
    15 IPrefetchableSupport,
    16 IMidiMapping2,
}

const _: () = assert!(size_of::<Header>() == 17 * size_of::<*mut ()>());

/// Text for VST3, cut at a whole character; everything after it is 0 (the validator compares all of it).
pub(crate) fn wide(text: &str) -> String128 {
    wide_in(text)
}

/// The same for any length.
pub(crate) fn wide_in<const N: usize>(text: &str) -> [u16; N] {
    let mut out = [0; N];
    let mut at = 0;
    for character in text.chars().take_while(|character| *character != '\0') {
        let mut units = [0; 2];
        let units = character.encode_utf16(&mut units);
        if at + units.len() >= N {
            break;
        }
        out[at..at + units.len()].copy_from_slice(units);
        at += units.len();
    }
    out
}

/// Text from VST3, up to its 0.
pub(crate) fn narrow(text: &[u16]) -> String {
    let end = text.iter().position(|unit| *unit == 0).unwrap_or(text.len());
    String::from_utf16_lossy(&text[..end])
}

/// Text at a pointer to UTF-16, at most 512 units of it. `None` for null.
///
/// # Safety
/// `text` is null or leads to a text that ends with 0.
pub(crate) unsafe fn text_at(text: *const u16) -> Option<String> {
    const MOST: usize = 512;
    if text.is_null() {
        return None;
    }
    let mut units = Vec::new();
    for at in 0..MOST {
        // SAFETY: every unit before this one was not 0, so the text reaches here.
        match unsafe { *text.add(at) } {
            0 => break,
            unit => units.push(unit),
        }
    }
    Some(String::from_utf16_lossy(&units))
}

/// Writes to a place that the host gave. False for null.
///
/// # Safety
/// `to` is null or good for a write of `T`.
pub(crate) unsafe fn put<T>(to: *mut T, value: T) -> bool {
    if to.is_null() {
        return false;
    }
    // SAFETY: by this function's contract.
    unsafe { to.write(value) };
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_of_the_list_is_found_at_a_place_of_its_own() {
        let found = [
            IComponent::IID,
            IAudioProcessor::IID,
            IEditController::IID,
            IUnitInfo::IID,
            IPrefetchableSupport::IID,
            IMidiMapping2::IID,
        ]
        .map(|iid| Interfaces::query(&iid));
        assert_eq!(found, [0, 1, 2, 6, 15, 16].map(|place| Some(place * STEP)));
        assert_eq!(Interfaces::query(&[7; 16]), None);
    }

    #[test]
    fn text_is_cut_at_a_whole_character_and_filled_with_0() {
        let cut: [u16; 4] = wide_in("ab\u{1f3b9}c");
        assert_eq!(cut, [97, 98, 0, 0]);
        assert_eq!(narrow(&wide("Gain ä")), "Gain ä");
        assert_eq!(narrow(&wide(&"x".repeat(500))).len(), 127);
    }
}
