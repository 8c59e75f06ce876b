//! VST3 modules from the host's side: everything of it that cannot be safe, behind functions that are.
//!
//! Loading a library runs its constructors, and a COM object is a table of functions in foreign hands. DESIGN 9.9 lists
//! the library's own `unsafe` files and leaves the command out: a host of other people's bundles needs this module
//! beside `clap/load`.
//!
//! | file | job |
//! |---|---|
//! | this one | a library becomes a factory, a factory says what it holds |
//! | `stream` | bytes that a plug-in writes or reads |
//! | `component` | main's half of an instance |
//! | `lists` | parameter changes and events of one block |
//! | `processor` | the audio half |
//! | `application` | what a plug-in may ask of its host |
//!
//! Called by: `vst3_plugin`, `vst3_engine`, `moduleinfo`. Calls: the `vst3` crate, libloading. Threads: [main], where nothing else is said.
#![allow(unsafe_code, reason = "loading foreign code; each block below says what makes it sound")]

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use vst3::ComPtr;
use vst3::Steinberg::{
    FUnknown, IPluginCompatibility, IPluginCompatibilityTrait, IPluginFactory, IPluginFactory2,
    IPluginFactory2Trait, IPluginFactory3, IPluginFactory3Trait, IPluginFactoryTrait, PClassInfo,
    PClassInfo2, PFactoryInfo, PFactoryInfo_, TUID, kResultOk,
};

use crate::Error;

pub mod application;
pub mod component;
mod lists;
pub mod processor;
mod stream;
pub mod view;

/// Class category of what processes audio.
pub const AUDIO: &str = "Audio Module Class";

/// Category of the class that names replaced classes.
const COMPATIBILITY: &str = "Plugin Compatibility Class";

/// More classes than this are a damaged answer, not a module.
const MOST_CLASSES: i32 = 4096;

/// The usual speaker arrangements, by the names that users know.
#[must_use]
pub const fn speakers() -> [(&'static str, u64); 5] {
    use vst3::Steinberg::Vst::SpeakerArr::{k51, k71_4, k71Music, kMono, kStereo};
    [("mono", kMono), ("stereo", kStereo), ("5.1", k51), ("7.1", k71Music), ("7.1.4", k71_4)]
}

/// What a factory says about itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FactoryFacts {
    /// Whose plug-ins these are.
    pub vendor: String,
    /// Their page.
    pub url: String,
    /// Their address.
    pub email: String,
    /// Bits of `PFactoryInfo::FactoryFlags`.
    flags: i32,
}

impl FactoryFacts {
    /// Texts of its classes are available as UTF-16.
    #[must_use]
    pub fn is_unicode(&self) -> bool {
        self.has(PFactoryInfo_::FactoryFlags_::kUnicode)
    }

    /// The list of classes may change from one scan to the next.
    #[must_use]
    pub fn is_discardable(&self) -> bool {
        self.has(PFactoryInfo_::FactoryFlags_::kClassesDiscardable)
    }

    /// The module may not be unloaded while the host runs.
    #[must_use]
    pub fn stays_loaded(&self) -> bool {
        self.has(PFactoryInfo_::FactoryFlags_::kComponentNonDiscardable)
    }

    /// The bindings' enum is signed on some systems.
    #[allow(clippy::cast_possible_wrap, clippy::unnecessary_cast, reason = "a flag's number")]
    const fn has(&self, flag: PFactoryInfo_::FactoryFlags) -> bool {
        self.flags & flag as i32 != 0
    }
}

/// What a factory says about one class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassFacts {
    id: TUID,
    /// What kind of class: [`AUDIO`] for plug-ins.
    pub category: String,
    /// Its name.
    pub name: String,
    /// Whose it is, where that differs from the factory's.
    pub vendor: String,
    /// Its version.
    pub version: String,
    /// The interfaces that it was written for.
    pub sdk_version: String,
    /// `Fx`, `Instrument`, `EQ`, ...
    pub sub_categories: Vec<String>,
    /// Bits of `ComponentFlags`.
    pub flags: u32,
    /// How many instances there may be.
    pub cardinality: i32,
}

impl ClassFacts {
    /// The class id as hosts write it: 32 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        // In memory the order of the bytes is the system's.
        let places = vst3::uid(0x0001_0203, 0x0405_0607, 0x0809_0A0B, 0x0C0D_0E0F);
        let mut bytes = [0; 16];
        for (place, byte) in places.iter().zip(self.id) {
            bytes[usize::from(place.to_ne_bytes()[0])] = byte.to_ne_bytes()[0];
        }
        bytes.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    fn of_first(info: &PClassInfo, factory: &FactoryFacts) -> Self {
        Self {
            id: info.cid,
            category: text(&info.category),
            name: text(&info.name),
            vendor: factory.vendor.clone(),
            version: String::new(),
            sdk_version: String::new(),
            sub_categories: Vec::new(),
            flags: 0,
            cardinality: info.cardinality,
        }
    }

    fn of_second(info: &PClassInfo2, factory: &FactoryFacts) -> Self {
        let (vendor, words) = (text(&info.vendor), text(&info.subCategories));
        Self {
            id: info.cid,
            category: text(&info.category),
            name: text(&info.name),
            vendor: if vendor.is_empty() { factory.vendor.clone() } else { vendor },
            version: text(&info.version),
            sdk_version: text(&info.sdkVersion),
            sub_categories: words.split('|').filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect(),
            flags: info.classFlags,
            cardinality: info.cardinality,
        }
    }
}

/// Text in an array of bytes, up to its 0.
fn text(bytes: &[c_char]) -> String {
    let bytes: Vec<u8> =
        bytes.iter().map(|byte| byte.to_ne_bytes()[0]).take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Text in UTF-16, up to its 0.
fn wide_text(units: &[u16]) -> String {
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(&units[..end])
}

/// The same, ending with 0.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().take_while(|unit| *unit != 0).chain([0]).collect()
}

/// A loaded module. Its objects hold it, so that the code outlives them.
pub struct Module {
    // Dropped in `drop`, before the module is told to end.
    factory: Option<ComPtr<IPluginFactory>>,
    library: Library,
}

impl Module {
    /// Loads the library of a bundle, which exports `GetPluginFactory` (the caller has looked).
    ///
    /// # Errors
    /// The system refuses to load it, or it refuses to start.
    pub fn open(library: &Path) -> Result<Arc<Self>, Error> {
        let shown = library.display();
        let library = Library::open(library).with_context(|| format!("{shown}: cannot be loaded"))?;
        // SAFETY: VST3: this name is a function of this type in every module.
        let factory = unsafe {
            let get = library.get::<unsafe extern "system" fn() -> *mut c_void>(b"GetPluginFactory\0");
            let get = get.with_context(|| format!("{shown}: has no factory"))?;
            ComPtr::from_raw(get().cast::<IPluginFactory>())
        };
        let factory = factory.with_context(|| format!("{shown}: its factory is null"))?;
        Ok(Arc::new(Self { factory: Some(factory), library }))
    }

    fn get(&self) -> Result<&ComPtr<IPluginFactory>, Error> {
        self.factory.as_ref().context("the factory is gone")
    }

    /// What the factory says of itself.
    ///
    /// # Errors
    /// It says nothing.
    pub fn facts(&self) -> Result<FactoryFacts, Error> {
        // SAFETY: plain data, for which all zeros is a value; it is ours to be written.
        let (info, result) = unsafe {
            let mut info = MaybeUninit::<PFactoryInfo>::zeroed().assume_init();
            let result = self.get()?.getFactoryInfo(&raw mut info);
            (info, result)
        };
        ensure!(result == kResultOk, "the factory does not describe itself (result {result})");
        let PFactoryInfo { vendor, url, email, flags } = &info;
        Ok(FactoryFacts { vendor: text(vendor), url: text(url), email: text(email), flags: *flags })
    }

    /// What the factory says of its classes, in its order.
    ///
    /// # Errors
    /// It does not describe a class that it counts.
    pub fn classes(&self) -> Result<Vec<ClassFacts>, Error> {
        let (about, factory) = (self.facts()?, self.get()?);
        let second = factory.cast::<IPluginFactory2>();
        // SAFETY: the factory is alive; nothing is passed.
        let count = unsafe { factory.countClasses() };
        ensure!((0..=MOST_CLASSES).contains(&count), "the factory claims to have {count} classes");
        (0..count)
            .map(|index| {
                // SAFETY: plain data, for which all zeros is a value; it is ours to be written.
                let (first, second) = unsafe {
                    let mut info = MaybeUninit::<PClassInfo>::zeroed().assume_init();
                    let mut info2 = MaybeUninit::<PClassInfo2>::zeroed().assume_init();
                    let more = second.as_ref().map(|factory| factory.getClassInfo2(index, &raw mut info2));
                    let second = more == Some(kResultOk);
                    let first = !second && factory.getClassInfo(index, &raw mut info) == kResultOk;
                    (first.then_some(info), second.then_some(info2))
                };
                match (second, first) {
                    (Some(info), _) => Ok(ClassFacts::of_second(&info, &about)),
                    (None, Some(info)) => Ok(ClassFacts::of_first(&info, &about)),
                    (None, None) => bail!("the factory does not describe its class {index}"),
                }
            })
            .collect()
    }

    /// What the module says about classes that its own replace: JSON. `None` if it says nothing.
    #[must_use]
    pub fn compatibility(&self, classes: &[ClassFacts]) -> Option<String> {
        let class = classes.iter().find(|class| class.category == COMPATIBILITY)?;
        let object = self.create::<IPluginCompatibility>(class)?;
        let stream = stream::Stream::empty();
        let place = stream.as_com_ref()?;
        // SAFETY: both objects are alive for the call.
        let result = unsafe { object.getCompatibilityJSON(place.as_ptr()) };
        (result == kResultOk).then(|| String::from_utf8_lossy(&stream.bytes()).into_owned())
    }

    /// An instance of a class, by one of its interfaces.
    fn create<I: vst3::Interface>(&self, class: &ClassFacts) -> Option<ComPtr<I>> {
        let mut object = std::ptr::null_mut::<c_void>();
        // SAFETY: ids of 16 bytes and a place for a pointer, all alive for the call; what comes back is a reference of
        // the interface that was asked for.
        unsafe {
            let (id, interface) = (class.id.as_ptr(), I::IID.as_ptr());
            let result = self.factory.as_ref()?.createInstance(id, interface.cast(), &raw mut object);
            if result == kResultOk { ComPtr::from_raw(object.cast::<I>()) } else { None }
        }
    }

    /// Tells the factory who its host is.
    fn introduce(&self, host: *mut FUnknown) {
        let third = self.factory.as_ref().and_then(|factory| factory.cast::<IPluginFactory3>());
        if let Some(factory) = third {
            // SAFETY: the host's object is alive for the call; who keeps it counts a reference.
            unsafe { factory.setHostContext(host) };
        }
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        drop(self.factory.take());
        self.library.exit();
    }
}

/// A bundle that is kept for as long as its module lives.
#[cfg(target_os = "macos")]
struct Kept(core_foundation::bundle::CFBundle);

// SAFETY: between `open` and the drop nobody looks at it, and Core Foundation counts references atomically.
#[cfg(target_os = "macos")]
unsafe impl Send for Kept {}

// SAFETY: as above: shared, it is not looked at.
#[cfg(target_os = "macos")]
unsafe impl Sync for Kept {}

/// A library that has been told to start.
struct Library {
    #[cfg(target_os = "macos")]
    bundle: Option<Kept>,
    library: libloading::Library,
}

impl Library {
    /// # Safety
    /// The library exports `name`, which ends with 0, as a `T`.
    unsafe fn get<T>(&self, name: &[u8]) -> Result<libloading::Symbol<'_, T>, Error> {
        // SAFETY: by this function's contract.
        Ok(unsafe { self.library.get(name) }?)
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
impl Library {
    fn open(path: &Path) -> Result<Self, Error> {
        use libloading::os::unix;
        let path = std::path::absolute(path)?;
        // SAFETY: the caller has found a library of this platform's format. That its constructors are harmless cannot be
        // checked by any host; the user chose the file to be run in this process. The handle goes straight back.
        let (library, handle) = unsafe {
            let handle = unix::Library::open(Some(&path), unix::RTLD_NOW | unix::RTLD_LOCAL)?.into_raw();
            (Self { library: unix::Library::from_raw(handle).into() }, handle)
        };
        // SAFETY: VST3: this name is a function of this type in every module on Linux.
        let started = unsafe {
            let entry = library.get::<unsafe extern "C" fn(*mut c_void) -> bool>(b"ModuleEntry\0");
            entry.context("it exports no ModuleEntry, which every VST3 module on Linux has")?(handle)
        };
        ensure!(started, "its ModuleEntry failed");
        Ok(library)
    }

    fn exit(&self) {
        // SAFETY: VST3: this name is a function of this type; no object of the module is alive.
        unsafe {
            if let Ok(exit) = self.get::<unsafe extern "C" fn() -> bool>(b"ModuleExit\0") {
                exit();
            }
        }
    }
}

#[cfg(windows)]
impl Library {
    fn open(path: &Path) -> Result<Self, Error> {
        // SAFETY: as on Linux.
        let library = Self { library: unsafe { libloading::Library::new(std::path::absolute(path)?) }? };
        // SAFETY: VST3: a module that has this name has it as a function of this type.
        let started = unsafe {
            let entry = library.get::<unsafe extern "system" fn() -> bool>(b"InitDll\0");
            entry.map_or(true, |entry| entry())
        };
        ensure!(started, "its InitDll failed");
        Ok(library)
    }

    fn exit(&self) {
        // SAFETY: VST3: as in `open`; no object of the module is alive.
        unsafe {
            if let Ok(exit) = self.get::<unsafe extern "system" fn() -> bool>(b"ExitDll\0") {
                exit();
            }
        }
    }
}

#[cfg(target_os = "macos")]
impl Library {
    fn open(path: &Path) -> Result<Self, Error> {
        use core_foundation::base::TCFType;
        use core_foundation::{bundle::CFBundle, url::CFURL};
        let path = std::path::absolute(path)?;
        // `X.vst3/Contents/MacOS/X`; a library outside of a bundle is started without one.
        let folder = path.ancestors().nth(3).filter(|folder| crate::format::Format::of(folder).is_some());
        let bundle = folder.and_then(|folder| CFBundle::new(CFURL::from_path(folder, true)?));
        // SAFETY: as on Linux.
        let library = Self { library: unsafe { libloading::Library::new(&path) }?, bundle: bundle.map(Kept) };
        let bundle = library.bundle.as_ref();
        let handle = bundle.map_or(std::ptr::null_mut(), |bundle| bundle.0.as_concrete_TypeRef());
        // SAFETY: VST3: this name is a function of this type in every module on macOS; the bundle lives as long.
        let started = unsafe {
            let entry = library.get::<unsafe extern "C" fn(*mut c_void) -> bool>(b"bundleEntry\0");
            entry.context("it exports no bundleEntry, which every VST3 module on macOS has")?(handle.cast())
        };
        ensure!(started, "its bundleEntry failed");
        Ok(library)
    }

    fn exit(&self) {
        // SAFETY: VST3: this name is a function of this type; no object of the module is alive.
        unsafe {
            if let Ok(exit) = self.get::<unsafe extern "C" fn() -> bool>(b"bundleExit\0") {
                exit();
            }
        }
    }
}
