//! `plugin!`: what an artifact exports. Features choose between whole macro bodies in here; a `cfg(feature)` inside an
//! author's crate would ask *his* features and break `deny(warnings)`.
//!
//! Called by: the author, once per crate. Calls: generics of `hotshell-logic`, `hotshell-core`, `hotshell-clap`,
//! `hotshell-vst3`.
//! Threads: the entry points' own.

/// Makes the crate's plug-ins loadable: `hotshell::plugin!(Gain);` or `hotshell::plugin!(Gain, GainMono);`.
///
/// Once per crate, at the crate's root, in a crate with `crate-type = ["cdylib", "rlib"]`. The types may be private. A
/// plain `cargo build` makes a static plug-in; `cargo hotshell dev` makes a reloading one of the same source.
#[macro_export]
macro_rules! plugin {
    ($($plugin:ty),+ $(,)?) => {
        const _: () = {
            enum Artifact {}
            impl $crate::__private::Logics for Artifact {
                const TABLES: &'static [&'static $crate::__private::LogicApi] =
                    &[$($crate::__private::api_of(::core::marker::PhantomData::<$plugin>)),+];
            }
            $crate::__export_logic!(Artifact);
            $crate::__export_plugins!(Artifact);
            $crate::__export_clap!(Artifact, PLUGINS);
            $crate::__export_vst3!(Artifact, PLUGINS);
            // A test has no host: nothing but this refers to the plug-ins, and nobody else counts allocations.
            #[cfg(test)]
            #[used]
            static TABLES: &[&$crate::__private::LogicApi] = <Artifact as $crate::__private::Logics>::TABLES;
            #[cfg(test)]
            $crate::test::guard!();
        };
    };
}

/// A shell that reloads, and logic for one: the table is found by its name.
#[cfg(any(feature = "reload", feature = "logic-only"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_logic {
    ($artifact:ty) => {
        #[cfg_attr(not(test), unsafe(no_mangle))]
        pub extern "C" fn hotshell_logic_v1(index: u32) -> *const $crate::__private::LogicApi {
            $crate::__private::entry::<$artifact>(index)
        }
    };
}

/// A release: nobody looks for the table.
#[cfg(not(any(feature = "reload", feature = "logic-only")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_logic {
    ($artifact:ty) => {};
}

/// The plug-ins that the artifact's entry points share: `PLUGINS`.
#[cfg(all(any(feature = "clap", feature = "vst3"), not(feature = "logic-only")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_plugins {
    ($artifact:ty) => {
        static PLUGINS: $crate::__plugins!(type) = $crate::__plugins!($artifact);
    };
}

/// No format in this build.
#[cfg(not(all(any(feature = "clap", feature = "vst3"), not(feature = "logic-only"))))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_plugins {
    ($artifact:ty) => {};
}

/// The CLAP entry around the shell that `__plugins!` makes.
#[cfg(all(feature = "clap", not(feature = "logic-only")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_clap {
    ($artifact:ty, $plugins:ident) => {
        static CLAP: $crate::__private::EntryState = $crate::__private::EntryState::new();
        impl $crate::__private::ClapArtifact for $artifact {
            fn plugins() -> &'static dyn $crate::__private::Plugins {
                &$plugins
            }
            fn clap() -> &'static $crate::__private::EntryState {
                &CLAP
            }
        }
        #[cfg_attr(not(test), unsafe(no_mangle))]
        #[cfg_attr(test, used)]
        pub static clap_entry: $crate::__private::ClapEntry = $crate::__private::clap_entry::<$artifact>();
    };
}

/// No CLAP in this build.
#[cfg(not(all(feature = "clap", not(feature = "logic-only"))))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_clap {
    ($artifact:ty, $plugins:ident) => {};
}

/// The VST3 module around the shell that `__plugins!` makes, under the names that each platform's hosts look for (VST3
/// SDK, `ipluginbase.h` and `public.sdk/source/main`).
#[cfg(all(feature = "vst3", not(feature = "logic-only")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_vst3 {
    ($artifact:ty, $plugins:ident) => {
        static VST3: $crate::__private::ModuleState = $crate::__private::ModuleState::new();
        impl $crate::__private::Vst3Artifact for $artifact {
            fn plugins() -> &'static dyn $crate::__private::Plugins {
                &$plugins
            }
            fn vst3() -> &'static $crate::__private::ModuleState {
                &VST3
            }
        }
        #[cfg_attr(not(test), unsafe(export_name = "GetPluginFactory"))]
        pub extern "system" fn vst3_factory() -> *mut ::core::ffi::c_void {
            $crate::__private::get_plugin_factory::<$artifact>()
        }
        #[cfg(target_os = "windows")]
        #[cfg_attr(not(test), unsafe(export_name = "InitDll"))]
        pub extern "system" fn vst3_init() -> bool {
            $crate::__private::module_entry::<$artifact>()
        }
        #[cfg(not(target_os = "windows"))]
        #[cfg_attr(all(not(test), target_os = "macos"), unsafe(export_name = "bundleEntry"))]
        #[cfg_attr(all(not(test), not(target_os = "macos")), unsafe(export_name = "ModuleEntry"))]
        pub extern "system" fn vst3_init(_library: *mut ::core::ffi::c_void) -> bool {
            $crate::__private::module_entry::<$artifact>()
        }
        #[cfg_attr(all(not(test), target_os = "windows"), unsafe(export_name = "ExitDll"))]
        #[cfg_attr(all(not(test), target_os = "macos"), unsafe(export_name = "bundleExit"))]
        #[cfg_attr(
            all(not(test), not(any(target_os = "windows", target_os = "macos"))),
            unsafe(export_name = "ModuleExit")
        )]
        pub extern "system" fn vst3_exit() -> bool {
            $crate::__private::module_exit::<$artifact>()
        }
        // A test exports nothing, and what nobody names would be dead.
        #[cfg(test)]
        const _: () = {
            let _ = (vst3_factory as *const (), vst3_init as *const (), vst3_exit as *const ());
        };
    };
}

/// No VST3 in this build.
#[cfg(not(all(feature = "vst3", not(feature = "logic-only"))))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_vst3 {
    ($artifact:ty, $plugins:ident) => {};
}

/// The reloading shell. The slot is the author's build's: `cargo hotshell dev` sets it.
#[cfg(feature = "reload")]
#[doc(hidden)]
#[macro_export]
macro_rules! __plugins {
    (type) => {
        $crate::__private::HotPlugins
    };
    ($artifact:ty) => {
        $crate::__private::HotPlugins::new(
            $crate::__private::linked::<$artifact>,
            ::core::option_env!("HOTSHELL_SLOT"),
        )
    };
}

/// The static shell.
#[cfg(not(feature = "reload"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __plugins {
    (type) => {
        $crate::__private::StaticPlugins
    };
    ($artifact:ty) => {
        $crate::__private::StaticPlugins::new($crate::__private::linked::<$artifact>)
    };
}
