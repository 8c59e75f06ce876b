//! The plug-in factory, 1 to 3: what an artifact holds, and instances of it.
//!
//! Called by: `entry`, the host. Calls: `instance`, `factory/ids`. Threads: [main] by VST3's rules; safe from any.
//! Never touches the slot and opens nothing: a scan is cheap.

#![allow(unsafe_code, reason = "DESIGN 9.9: a COM interface takes C's pointers")]

use std::ffi::{CStr, c_char, c_void};
use std::sync::Arc;

use hotshell_abi::PluginDesc;
use hotshell_core::shell::Plugins;
use vst3::Steinberg::PClassInfo_::ClassCardinality_::kManyInstances;
use vst3::Steinberg::Vst::SDKVersionString;
use vst3::Steinberg::{
    FIDString, FUnknown, IBStream, IPluginCompatibility, IPluginCompatibilityTrait, IPluginFactory2Trait,
    IPluginFactory3, IPluginFactory3Trait, IPluginFactoryTrait, PClassInfo, PClassInfo2, PClassInfoW,
    PFactoryInfo, PFactoryInfo_, TUID, int32, kInvalidArgument, kNoInterface, kResultFalse, kResultOk,
    tresult,
};
use vst3::com_scrape_types::{InterfaceList, MakeHeader};
use vst3::{Class, ComWrapper};

use crate::com::context::Context;
use crate::com::stream::write_all;
use crate::com::{Component, put, wide_in};
use crate::error::{gate, guard};
use crate::instance::Instance;

pub(crate) mod ids;

/// What an artifact offers a host.
pub(crate) struct Factory {
    plugins: &'static dyn Plugins,
    /// What the host says of itself, for all instances.
    context: Arc<Context>,
}

impl Class for Factory {
    type Interfaces = (IPluginFactory3,);
}

/// The bindings' enum is signed on some systems.
#[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast, reason = "0x7fff_ffff")]
const MANY: i32 = kManyInstances as i32;

/// One class of the list.
#[derive(Clone, Copy)]
enum Offer {
    /// Index of a plug-in.
    Plugin(usize, &'static PluginDesc<'static>),
    /// Names the class ids that the artifact's plug-ins replace.
    Compatibility(&'static PluginDesc<'static>),
}

impl Factory {
    pub(crate) fn new(plugins: &'static dyn Plugins) -> ComWrapper<Self> {
        ComWrapper::new(Self { plugins, context: Arc::default() })
    }

    fn offers(&self) -> Vec<Offer> {
        let plugins = || (0..self.plugins.count()).filter_map(|i| Some((i, self.plugins.describe(i)?)));
        // The compatibility class is named after the first plug-in that replaces anything.
        let replacing = plugins().find(|(_, desc)| !desc.vst3_old_class_ids.as_slice().is_empty());
        let named = plugins().map(|(index, desc)| Offer::Plugin(index, desc));
        named.chain(replacing.map(|(_, desc)| Offer::Compatibility(desc))).collect()
    }

    fn offer(&self, index: int32) -> Option<Offer> {
        usize::try_from(index).ok().and_then(|index| self.offers().get(index).copied())
    }
}

impl Offer {
    fn class_id(&self) -> TUID {
        match self {
            Self::Plugin(_, desc) => ids::class_id(desc),
            Self::Compatibility(desc) => ids::compatibility_id(desc),
        }
    }

    const fn category(&self) -> &'static str {
        match self {
            Self::Plugin(..) => "Audio Module Class",
            Self::Compatibility(_) => "Plugin Compatibility Class",
        }
    }

    const fn desc(&self) -> &'static PluginDesc<'static> {
        match self {
            Self::Plugin(_, desc) | Self::Compatibility(desc) => desc,
        }
    }

    fn categories(&self) -> String {
        match self {
            Self::Plugin(_, desc) => ids::categories(desc),
            Self::Compatibility(_) => String::new(),
        }
    }

    fn info(&self) -> PClassInfo {
        PClassInfo {
            cid: self.class_id(),
            cardinality: MANY,
            category: bytes(self.category()),
            name: bytes(self.desc().name.as_str()),
        }
    }

    fn info2(&self) -> PClassInfo2 {
        let (one, desc) = (self.info(), self.desc());
        PClassInfo2 {
            cid: one.cid,
            cardinality: one.cardinality,
            category: one.category,
            name: one.name,
            classFlags: 0,
            subCategories: bytes(&self.categories()),
            vendor: bytes(desc.vendor.as_str()),
            version: bytes(desc.version.as_str()),
            sdkVersion: bytes(sdk_version()),
        }
    }

    fn info_wide(&self) -> PClassInfoW {
        let (two, desc) = (self.info2(), self.desc());
        PClassInfoW {
            cid: two.cid,
            cardinality: two.cardinality,
            category: two.category,
            name: wide_in(desc.name.as_str()),
            classFlags: two.classFlags,
            subCategories: two.subCategories,
            vendor: wide_in(desc.vendor.as_str()),
            version: wide_in(desc.version.as_str()),
            sdkVersion: wide_in(sdk_version()),
        }
    }
}

/// `VST 3.8.0`, as the bindings say.
fn sdk_version() -> &'static str {
    // SAFETY: a constant of the bindings, which ends with 0.
    unsafe { CStr::from_ptr(SDKVersionString) }.to_str().unwrap_or("VST 3.8.0")
}

/// Text in UTF-8, cut at a whole character, ending with 0.
fn bytes<const N: usize>(text: &str) -> [c_char; N] {
    let mut out = [0; N];
    let mut at = 0;
    for character in text.chars().take_while(|character| *character != '\0') {
        let mut encoded = [0; 4];
        let encoded = character.encode_utf8(&mut encoded).as_bytes();
        if at + encoded.len() >= N {
            break;
        }
        for byte in encoded {
            out[at] = c_char::from_ne_bytes([*byte]);
            at += 1;
        }
    }
    out
}

fn written(done: bool) -> tresult {
    if done { kResultOk } else { kInvalidArgument }
}

/// The interface `iid` of a fresh object; its reference belongs to the host.
///
/// # Safety
/// `iid` leads to 16 bytes, `obj` to a place for a pointer.
unsafe fn hand_over<C: Class + 'static>(made: C, iid: FIDString, obj: *mut *mut c_void) -> tresult
where
    C::Interfaces: MakeHeader<C, ComWrapper<C>> + InterfaceList,
{
    let object = ComWrapper::new(made);
    // SAFETY: by this function's contract; every object answers for `FUnknown`, and `queryInterface` counts the
    // host's reference before ours drops.
    unsafe {
        let Some(unknown) = object.as_com_ref::<FUnknown>() else { return kNoInterface };
        let unknown = unknown.as_ptr();
        ((*(*unknown).vtbl).queryInterface)(unknown, iid.cast(), obj)
    }
}

impl IPluginFactoryTrait for Factory {
    unsafe fn getFactoryInfo(&self, info: *mut PFactoryInfo) -> tresult {
        gate(|| {
            let desc = self.plugins.describe(0);
            let text = |read: fn(&PluginDesc<'static>) -> &'static str| desc.map_or("", read);
            #[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast, reason = "a flag's number")]
            let flags = PFactoryInfo_::FactoryFlags_::kUnicode as i32;
            let found = PFactoryInfo {
                vendor: bytes(text(|desc| desc.vendor.as_str())),
                url: bytes(text(|desc| desc.url.as_str())),
                email: bytes(""),
                flags,
            };
            // SAFETY: VST3: null (which `put` checks) or a place for one.
            written(unsafe { put(info, found) })
        })
    }

    unsafe fn countClasses(&self) -> int32 {
        guard(0, || i32::try_from(self.offers().len()).unwrap_or(i32::MAX))
    }

    unsafe fn getClassInfo(&self, index: int32, info: *mut PClassInfo) -> tresult {
        // SAFETY: VST3: null (which `put` checks) or a place for one.
        gate(|| written(self.offer(index).is_some_and(|offer| unsafe { put(info, offer.info()) })))
    }

    unsafe fn createInstance(&self, class: FIDString, iid: FIDString, obj: *mut *mut c_void) -> tresult {
        gate(|| {
            if class.is_null() || iid.is_null() || obj.is_null() {
                return kInvalidArgument;
            }
            // SAFETY: VST3: the place is for a pointer, a class id has 16 bytes.
            let class = unsafe {
                obj.write(std::ptr::null_mut());
                class.cast::<TUID>().read_unaligned()
            };
            match self.offers().into_iter().find(|offer| offer.class_id() == class) {
                Some(Offer::Plugin(index, _)) => {
                    let instance = Instance::new(self.plugins, index, Arc::clone(&self.context));
                    let made = Component(Arc::new(instance));
                    // SAFETY: as above.
                    unsafe { hand_over(made, iid, obj) }
                }
                // SAFETY: as above.
                Some(Offer::Compatibility(_)) => unsafe {
                    hand_over(Compatibility { plugins: self.plugins }, iid, obj)
                },
                None => kNoInterface,
            }
        })
    }
}

impl IPluginFactory2Trait for Factory {
    unsafe fn getClassInfo2(&self, index: int32, info: *mut PClassInfo2) -> tresult {
        // SAFETY: VST3: null (which `put` checks) or a place for one.
        gate(|| written(self.offer(index).is_some_and(|offer| unsafe { put(info, offer.info2()) })))
    }
}

impl IPluginFactory3Trait for Factory {
    unsafe fn getClassInfoUnicode(&self, index: int32, info: *mut PClassInfoW) -> tresult {
        // SAFETY: VST3: null (which `put` checks) or a place for one.
        gate(|| written(self.offer(index).is_some_and(|offer| unsafe { put(info, offer.info_wide()) })))
    }

    /// Kept for its run loop; for everything else each instance has a context of its own.
    unsafe fn setHostContext(&self, context: *mut FUnknown) -> tresult {
        gate(|| {
            // SAFETY: VST3: null or the host's object, valid for the call.
            unsafe { self.context.set(context) };
            kResultOk
        })
    }
}

/// Tells hosts which class ids ours replace.
struct Compatibility {
    plugins: &'static dyn Plugins,
}

impl Class for Compatibility {
    type Interfaces = (IPluginCompatibility,);
}

impl IPluginCompatibilityTrait for Compatibility {
    unsafe fn getCompatibilityJSON(&self, stream: *mut IBStream) -> tresult {
        gate(|| {
            let text = compatibility(self.plugins);
            // SAFETY: VST3: null (which is checked there) or a stream that is valid for the call.
            if unsafe { write_all(stream, text.as_bytes()) } { kResultOk } else { kResultFalse }
        })
    }
}

/// A list of `{"New": id, "Old": [ids]}`. Ids are hexadecimal digits, so nothing needs escaping.
fn compatibility(plugins: &dyn Plugins) -> String {
    let mut entries = Vec::new();
    for desc in (0..plugins.count()).filter_map(|index| plugins.describe(index)) {
        let old: Vec<String> = desc
            .vst3_old_class_ids
            .as_slice()
            .iter()
            .map(|old| format!("\"{}\"", ids::text_of(*old)))
            .collect();
        if !old.is_empty() {
            let new = ids::text_of(ids::bytes_of(desc));
            entries.push(format!("{{\"New\":\"{new}\",\"Old\":[{}]}}", old.join(",")));
        }
    }
    format!("[{}]", entries.join(","))
}
