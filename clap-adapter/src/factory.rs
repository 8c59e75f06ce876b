//! The plug-in factory: descriptors, and instances made by clack with two functions of our own put in.
//!
//! Called by: `entry`, the host. Calls: `instance`, `process`. Threads: [main] by CLAP's rules; safe from any.
//!
//! clack's factory does the work; this one stands before it to check what clack takes on trust (null host, null ids)
//! and to replace `process` and `get_extension` in each plug-in it makes (FORMATS 4).

#![allow(unsafe_code, reason = "DESIGN 9.9: functions that C calls with C's pointers")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::OnceLock;

use clack_plugin::entry::prelude::{PluginFactoryImpl, PluginFactoryWrapper};
use clack_plugin::host::{HostInfo, HostSharedHandle};
use clack_plugin::plugin::{PluginDescriptor, PluginInstance};
use clap_sys::factory::plugin_factory::clap_plugin_factory;
use clap_sys::host::clap_host;
use clap_sys::plugin::{clap_plugin, clap_plugin_descriptor};
use hotshell_abi::PluginDesc;
use hotshell_core::shell::Plugins;

use crate::entry::Artifact;
use crate::error::guard;
use crate::instance::{Clap, Main, Shared};
use crate::process::process;

/// clack's factory over our plug-ins.
pub(crate) type Inner = PluginFactoryWrapper<Factory>;

/// All plug-ins of the artifact that can be described in CLAP's terms.
pub(crate) struct Factory {
    plugins: &'static dyn Plugins,
    /// Index in `plugins`, and what the host reads.
    list: Vec<(usize, PluginDescriptor)>,
}

/// Reads the descriptions. Never touches the slot. [main]
pub(crate) fn inner(plugins: &'static dyn Plugins) -> Inner {
    let described = |index| Some((index, descriptor(plugins.describe(index)?)?));
    PluginFactoryWrapper::new(Factory { plugins, list: (0..plugins.count()).filter_map(described).collect() })
}

/// `None` if CLAP could not tell the plug-in from others: an empty id or name. NUL bytes are left out of texts.
fn descriptor(desc: &PluginDesc<'_>) -> Option<PluginDescriptor> {
    let text = |text: &str| text.replace('\0', "");
    let (id, name) = (text(desc.id.as_str()), text(desc.name.as_str()));
    if id.is_empty() || name.is_empty() {
        return None;
    }
    let mut features: Vec<CString> = Vec::new();
    for feature in desc.features.as_slice() {
        if let Ok(feature) = CString::new(text(feature.as_str()))
            && !feature.is_empty()
            && !features.contains(&feature)
        {
            features.push(feature);
        }
    }
    Some(
        PluginDescriptor::new(&id, &name)
            .with_vendor(&text(desc.vendor.as_str()))
            .with_version(&text(desc.version.as_str()))
            .with_description(&text(desc.description.as_str()))
            .with_url(&text(desc.url.as_str()))
            .with_manual_url(&text(desc.manual_url.as_str()))
            .with_support_url(&text(desc.support_url.as_str()))
            .with_features(features.iter().map(CString::as_c_str)),
    )
}

impl PluginFactoryImpl for Factory {
    fn plugin_count(&self) -> u32 {
        u32::try_from(self.list.len()).unwrap_or(u32::MAX)
    }

    fn plugin_descriptor(&self, index: u32) -> Option<&PluginDescriptor> {
        self.list.get(index as usize).map(|(_, descriptor)| descriptor)
    }

    fn create_plugin<'a>(&'a self, host: HostInfo<'a>, id: &CStr) -> Option<PluginInstance<'a>> {
        let (index, descriptor) = self.list.iter().find(|(_, descriptor)| descriptor.id() == Some(id))?;
        let (plugins, index) = (self.plugins, *index);
        let open = move |host: HostSharedHandle<'a>| {
            // SAFETY: CLAP: the host outlives the instance. Who holds the handle is the shell, and `Shared`'s drop
            // (part of `destroy`) calls `Shell::disconnect`, after which it makes no call.
            let host: HostSharedHandle<'static> = unsafe { host.with_arbitrary_lifetime() };
            Shared::open(plugins, index, host)
        };
        Some(PluginInstance::new::<Clap>(host, descriptor, open, |host, shared| Ok(Main::new(host, shared))))
    }
}

/// What the host gets for artifact `A`.
pub(crate) const fn raw<A: Artifact>() -> &'static clap_plugin_factory {
    &clap_plugin_factory {
        get_plugin_count: Some(count::<A>),
        get_plugin_descriptor: Some(describe::<A>),
        create_plugin: Some(create::<A>),
    }
}

unsafe extern "C" fn count<A: Artifact>(_factory: *const clap_plugin_factory) -> u32 {
    guard(0, || A::clap().inner(A::plugins()).factory().plugin_count())
}

unsafe extern "C" fn describe<A: Artifact>(
    _factory: *const clap_plugin_factory,
    index: u32,
) -> *const clap_plugin_descriptor {
    guard(std::ptr::null(), || {
        let found = A::clap().inner(A::plugins()).factory().plugin_descriptor(index);
        found.map_or(std::ptr::null(), |descriptor| std::ptr::from_ref(descriptor.as_raw()))
    })
}

unsafe extern "C" fn create<A: Artifact>(
    _factory: *const clap_plugin_factory,
    host: *const clap_host,
    id: *const c_char,
) -> *const clap_plugin {
    guard(std::ptr::null(), || {
        let factory = A::clap().inner(A::plugins()).as_raw_ptr();
        if host.is_null() || id.is_null() {
            return std::ptr::null();
        }
        // SAFETY: `factory` is clack's own, alive for ever (`EntryState`); host and id are checked above and valid by
        // CLAP's contract.
        let made = unsafe { (*factory).create_plugin.map(|create| create(factory, host, id)) };
        // SAFETY: clack hands over a box that nobody else knows before this function returns.
        match made.and_then(|made| unsafe { made.cast_mut().as_mut() }) {
            Some(plugin) => put_in_ours(plugin),
            None => std::ptr::null(),
        }
    })
}

type GetExtension = unsafe extern "C" fn(*const clap_plugin, *const c_char) -> *const c_void;

/// clack's `get_extension`: one function for all instances of `Clap`.
static CLACK_GET_EXTENSION: OnceLock<GetExtension> = OnceLock::new();

fn put_in_ours(plugin: &mut clap_plugin) -> *const clap_plugin {
    if let Some(clack) = plugin.get_extension {
        CLACK_GET_EXTENSION.get_or_init(|| clack);
        plugin.get_extension = Some(get_extension);
    }
    plugin.process = Some(process);
    plugin
}

unsafe extern "C" fn get_extension(plugin: *const clap_plugin, id: *const c_char) -> *const c_void {
    match CLACK_GET_EXTENSION.get() {
        // SAFETY: clack checks the plug-in; the id is a C string by CLAP's contract, and not null.
        Some(clack) if !id.is_null() => unsafe { clack(plugin, id) },
        _ => std::ptr::null(),
    }
}
