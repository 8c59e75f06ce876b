//! `plugin!`: what an artifact exports. Features choose between whole macro bodies in here; a `cfg(feature)` inside an
//! author's crate would ask *his* features and break `deny(warnings)`.
//!
//! Called by: the author, once per crate. Calls: generics of `hotshell-logic`, `hotshell-core`, `hotshell-clap`.
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
            $crate::__export_clap!(Artifact);
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

/// The CLAP entry around the shell that `__plugins!` makes.
#[cfg(all(feature = "clap", not(feature = "logic-only")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_clap {
    ($artifact:ty) => {
        static PLUGINS: $crate::__plugins!(type) = $crate::__plugins!($artifact);
        static CLAP: $crate::__private::EntryState = $crate::__private::EntryState::new();
        impl $crate::__private::ClapArtifact for $artifact {
            fn plugins() -> &'static dyn $crate::__private::Plugins {
                &PLUGINS
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
    ($artifact:ty) => {};
}

/// The reloading shell. The slot is the author's build's: `cargo hotshell dev` sets it.
#[cfg(all(feature = "clap", feature = "reload"))]
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
#[cfg(all(feature = "clap", not(feature = "reload")))]
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
