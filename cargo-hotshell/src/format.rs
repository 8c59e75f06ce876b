//! The two formats of a plug-in, and which of them a library holds.
//!
//! Called by: everything that makes, finds or loads bundles. Calls: `object`. Threads: [any].

use std::fmt;
use std::path::Path;

use anyhow::Context;
use object::{NameOrOrdinal, Object};

use crate::Error;

/// A plug-in format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Format {
    /// `Name.clap`.
    Clap,
    /// `Name.vst3`.
    Vst3,
}

impl Format {
    /// Both, in the order in which they are made and tried.
    pub const ALL: [Self; 2] = [Self::Clap, Self::Vst3];

    /// Extension of its bundles; also the feature of the framework that makes it, and its word in `--format`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clap => "clap",
            Self::Vst3 => "vst3",
        }
    }

    /// What a library of this format exports.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Clap => "clap_entry",
            Self::Vst3 => "GetPluginFactory",
        }
    }

    /// The format that a bundle's name promises.
    #[must_use]
    pub fn of(bundle: &Path) -> Option<Self> {
        let extension = bundle.extension()?;
        Self::ALL.into_iter().find(|format| extension.eq_ignore_ascii_case(format.word()))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clap => "CLAP",
            Self::Vst3 => "VST3",
        })
    }
}

/// Names that a library exports.
#[derive(Clone, Debug, Default)]
pub struct Exports(Vec<Vec<u8>>);

impl Exports {
    /// Reads them without loading the library.
    ///
    /// # Errors
    /// It cannot be read or is no library.
    pub fn of(library: &Path) -> Result<Self, Error> {
        let shown = library.display();
        let bytes = std::fs::read(library).with_context(|| format!("{shown}: cannot be read"))?;
        let file = object::File::parse(bytes.as_slice())
            .with_context(|| format!("{shown}: is not a library of this system"))?;
        let exports = file.exports().with_context(|| format!("{shown}: has no list of exports"))?;
        // Mach-O writes an underscore before every name.
        let name = |export: object::Export<'_>| match export.name() {
            NameOrOrdinal::Name(name) => Some(name.strip_prefix(b"_").unwrap_or(name).to_vec()),
            NameOrOrdinal::Ordinal(_) => None,
        };
        Ok(Self(exports.flatten().filter_map(name).collect()))
    }

    /// True if `symbol` is among them.
    #[must_use]
    pub fn has(&self, symbol: &str) -> bool {
        self.0.iter().any(|name| name == symbol.as_bytes())
    }

    /// The formats that the library holds.
    #[must_use]
    pub fn formats(&self) -> Vec<Format> {
        Format::ALL.into_iter().filter(|format| self.has(format.symbol())).collect()
    }
}

/// Which formats to make.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Make only this format; may be repeated [default: those that the plug-in is built with].
    #[arg(long = "format", value_name = "FORMAT")]
    formats: Vec<Format>,
}

impl Wanted {
    /// True if `format` was not ruled out.
    #[must_use]
    pub fn allows(&self, format: Format) -> bool {
        self.formats.is_empty() || self.formats.contains(&format)
    }

    /// The formats to make of a library with these exports, and those that it could have had, with what to do about it.
    ///
    /// # Errors
    /// A format that was asked for by name is not in the library, or the library holds none.
    pub fn choose(&self, exports: &Exports, dependency: &str) -> Result<(Vec<Format>, Vec<String>), Error> {
        let (has, mut lacks): (Vec<Format>, Vec<Format>) = Format::ALL
            .into_iter()
            .filter(|format| self.allows(*format))
            .partition(|format| exports.has(format.symbol()));
        let switch = |format: Format| {
            format!(
                "the plug-in is built without {format}: its dependency {dependency} has the feature `{}` switched off",
                format.word()
            )
        };
        if let Some(format) = lacks.iter().find(|_| !self.formats.is_empty()) {
            anyhow::bail!("{}; switch it on, or leave out `--format {}`", switch(*format), format.word());
        }
        anyhow::ensure!(
            !has.is_empty(),
            "the library holds no plug-in; call `{dependency}::plugin!(YourPlugin);` at the crate's root, and have one of \
             the features `clap` and `vst3` of {dependency} switched on"
        );
        lacks.retain(|format| !has.contains(format));
        Ok((has, lacks.into_iter().map(switch).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports(names: &[&str]) -> Exports {
        Exports(names.iter().map(|name| name.as_bytes().to_vec()).collect())
    }

    #[test]
    fn a_bundle_s_format_is_in_its_name() {
        assert_eq!(Format::of(Path::new("/x/My Gain 1.2.vst3")), Some(Format::Vst3));
        assert_eq!(Format::of(Path::new("Gain.CLAP")), Some(Format::Clap));
        assert_eq!(Format::of(Path::new("libgain.so")), None);
    }

    #[test]
    fn what_a_library_holds_is_made_and_what_it_lacks_is_said() {
        let (both, clap) = (exports(&["clap_entry", "GetPluginFactory"]), exports(&["clap_entry"]));
        let all = Wanted::default();
        assert_eq!(all.choose(&both, "hotshell").unwrap(), (Format::ALL.to_vec(), vec![]));
        let (made, said) = all.choose(&clap, "hs").unwrap();
        assert_eq!(made, [Format::Clap]);
        assert!(said.len() == 1 && said[0].contains("VST3") && said[0].contains("`vst3`"), "{said:?}");
        let one = Wanted { formats: vec![Format::Clap] };
        assert_eq!(one.choose(&both, "hotshell").unwrap(), (vec![Format::Clap], vec![]));
        let other = Wanted { formats: vec![Format::Vst3] };
        assert!(other.choose(&clap, "hs").unwrap_err().to_string().contains("--format vst3"));
        assert!(all.choose(&exports(&["main"]), "hs").unwrap_err().to_string().contains("hs::plugin!"));
    }
}
