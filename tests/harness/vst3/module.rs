//! A loaded `.vst3`: entry, exit, factory; and the folder that makes one of a library.
//!
//! Called by: tests, `plugin`. Calls: the dynamic loader. Threads: [any].
#![allow(
    unsafe_code,
    reason = "loads code that the tests have built and calls its factory; harness, DESIGN 9.9"
)]

use std::ffi::c_void;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use vst3::Steinberg::Vst::IComponent;
use vst3::Steinberg::{
    IPluginFactory, IPluginFactory2, IPluginFactory2Trait, IPluginFactory3, IPluginFactory3Trait,
    IPluginFactoryTrait, PClassInfo, PClassInfo2, TUID, kResultOk,
};
use vst3::{ComPtr, Interface};

use super::view::HostFrame;

/// Name of a bundle's folder for this machine's libraries.
#[cfg(target_arch = "x86_64")]
const MACHINE: &str = "x86_64-linux";
#[cfg(target_arch = "aarch64")]
const MACHINE: &str = "aarch64-linux";

/// Makes `Name.vst3/Contents/<machine>-linux/Name.so` of a library's bytes.
///
/// # Panics
/// If it cannot be written.
#[must_use]
pub fn bundle(room: &Path, name: &str, library: &[u8]) -> PathBuf {
    let bundle = room.join(format!("{name}.vst3"));
    let folder = bundle.join("Contents").join(MACHINE);
    std::fs::create_dir_all(&folder).expect("a bundle's folder");
    std::fs::write(folder.join(format!("{name}.so")), library).expect("the bundle is writable");
    bundle
}

/// The library in a bundle, or the library itself.
fn library_of(path: &Path) -> PathBuf {
    if !path.is_dir() {
        return path.to_owned();
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    path.join("Contents").join(MACHINE).join(format!("{name}.so"))
}

/// What a factory says of one class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassLine {
    pub(crate) id: TUID,
    /// `Audio Module Class`, ...
    pub category: String,
    /// Of the plug-in.
    pub name: String,
    /// `Fx|Tools`, ...
    pub sub_categories: String,
    /// `VST 3.8.0`, ...
    pub sdk: String,
}

/// A loaded module. Left and unloaded when it and its instances are dropped.
pub struct Module {
    factory: Option<ComPtr<IPluginFactory>>,
    exit: Option<extern "system" fn() -> bool>,
    _library: Library,
}

impl Module {
    /// Loads a bundle or a bare library, as a host does.
    ///
    /// # Errors
    /// The loader's reason, or which of the three exports failed.
    pub fn load(path: &Path) -> Result<Arc<Self>, String> {
        type Entry = extern "system" fn(*mut c_void) -> bool;
        type Exit = extern "system" fn() -> bool;
        type Factory = extern "system" fn() -> *mut c_void;
        let path = library_of(path);
        // SAFETY: the tests have built the library themselves; its constructors are Rust's and ours.
        let library =
            unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }.map_err(|e| e.to_string())?;
        // SAFETY: VST3's signatures of these names.
        let (entry, exit, factory) = unsafe {
            let entry = library.get::<Entry>(b"ModuleEntry\0").map_err(|e| e.to_string())?;
            let exit = library.get::<Exit>(b"ModuleExit\0").map_err(|e| e.to_string())?;
            let factory = library.get::<Factory>(b"GetPluginFactory\0").map_err(|e| e.to_string())?;
            (*entry, *exit, *factory)
        };
        // Hosts pass the handle; ours needs none, and a plug-in must not believe it.
        if !entry(std::ptr::null_mut()) {
            return Err("ModuleEntry refused".to_owned());
        }
        // SAFETY: VST3: a reference to a factory that belongs to the caller, or null.
        let factory = unsafe { ComPtr::from_raw(factory().cast::<IPluginFactory>()) };
        if factory.is_none() {
            return Err("no factory".to_owned());
        }
        Ok(Arc::new(Self { factory, exit: Some(exit), _library: library }))
    }

    fn factory(&self) -> &ComPtr<IPluginFactory> {
        self.factory.as_ref().expect("there until dropped")
    }

    /// All classes, in the factory's order.
    ///
    /// # Panics
    /// If the factory has none of a promised class.
    #[must_use]
    pub fn classes(&self) -> Vec<ClassLine> {
        let second = self.factory().cast::<IPluginFactory2>().expect("the second factory");
        // SAFETY: the factory is alive; both structures are plain and ours.
        unsafe {
            let line = |index| {
                let (mut one, mut two): (PClassInfo, PClassInfo2) = (std::mem::zeroed(), std::mem::zeroed());
                assert_eq!(self.factory().getClassInfo(index, &raw mut one), kResultOk);
                assert_eq!(second.getClassInfo2(index, &raw mut two), kResultOk);
                assert_eq!(one.cid, two.cid, "both factories speak of one class");
                ClassLine {
                    id: one.cid,
                    category: narrow(&one.category),
                    name: narrow(&one.name),
                    sub_categories: narrow(&two.subCategories),
                    sdk: narrow(&two.sdkVersion),
                }
            };
            (0..self.factory().countClasses()).map(line).collect()
        }
    }

    /// `setHostContext`, with a context that offers a run loop; `None`: null.
    ///
    /// # Panics
    /// If the plug-in refuses.
    pub fn set_host_context(&self, context: Option<&HostFrame>) {
        let third = self.factory().cast::<IPluginFactory3>().expect("the third factory");
        let context = context.map_or(std::ptr::null_mut(), HostFrame::as_context);
        // SAFETY: the plug-in counts a reference of its own.
        assert_eq!(unsafe { third.setHostContext(context) }, kResultOk);
    }

    /// A component of the plug-in class number `index`, not initialised.
    pub(crate) fn create(&self, index: usize) -> Result<ComPtr<IComponent>, String> {
        let mut classes = self.classes().into_iter().filter(|class| class.category == "Audio Module Class");
        let class = classes.nth(index).ok_or_else(|| format!("no plug-in number {index}"))?;
        let mut made = std::ptr::null_mut();
        let iid = IComponent::IID;
        // SAFETY: both ids have 16 bytes, the place is ours; what comes back is a reference of ours.
        unsafe {
            let result = self.factory().createInstance(class.id.as_ptr(), iid.as_ptr().cast(), &raw mut made);
            let made = ComPtr::from_raw(made.cast::<IComponent>());
            made.ok_or_else(|| format!("createInstance answers {result} and nothing"))
        }
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        self.factory = None;
        if let Some(exit) = self.exit.take() {
            exit();
        }
    }
}

/// Text of a C array.
fn narrow(text: &[std::ffi::c_char]) -> String {
    let bytes = text.iter().map(|c| c.to_ne_bytes()[0]).take_while(|byte| *byte != 0).collect();
    String::from_utf8(bytes).expect("UTF-8")
}
