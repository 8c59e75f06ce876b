//! The manifest: which build counts, and how to know it.
//!
//! Called by: `slot`. Calls: nothing. Threads: [reload], and the command's.

use std::collections::BTreeMap;
use std::env::consts::{DLL_EXTENSION, DLL_SUFFIX};

use serde::{Deserialize, Serialize};

use super::{Copied, MAX_BUILD_BYTES, SlotError, now};

/// Version of the slot's format. A reader refuses any other.
const FORMAT: u32 = 1;

/// What the publisher knows of a build beyond its bytes. Times in nanoseconds since 1970, 0 if not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildFacts {
    /// Cargo profile, or any word for reports.
    pub profile: String,
    /// When the source was saved that led to the build.
    pub saved_at: u64,
    /// When the compiler was done.
    pub built_at: u64,
    /// Anything else, for reports.
    pub facts: BTreeMap<String, String>,
}

/// One published build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the format.
    pub format: u32,
    /// Number of the build, from 1; counts up for as long as the slot lives.
    pub build: u32,
    /// Name of the file, in the slot: made of number and hash.
    pub file: String,
    /// Bytes.
    pub length: u64,
    /// XXH3-128 as 32 hexadecimal digits.
    pub hash: String,
    /// As [`BuildFacts::profile`].
    pub profile: String,
    /// Nanoseconds since 1970.
    pub saved_at: u64,
    /// Nanoseconds since 1970.
    pub built_at: u64,
    /// Nanoseconds since 1970, taken just before the manifest was renamed into place.
    pub published_at: u64,
    /// As [`BuildFacts::facts`].
    pub facts: BTreeMap<String, String>,
}

impl Manifest {
    pub(super) fn new(build: u32, copied: &Copied, facts: BuildFacts) -> Self {
        Self {
            format: FORMAT,
            build,
            file: file_name(build, copied.hash),
            length: copied.length,
            hash: hash_text(copied.hash),
            profile: facts.profile,
            saved_at: facts.saved_at,
            built_at: facts.built_at,
            published_at: now(),
            facts: facts.facts,
        }
    }

    /// The hash as a number.
    #[must_use]
    pub fn hash(&self) -> u128 {
        u128::from_str_radix(&self.hash, 16).unwrap_or(0)
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, SlotError> {
        serde_json::to_vec_pretty(self)
            .map_err(|error| SlotError::io("write", std::path::Path::new("manifest"), error.into()))
    }

    /// Reads and checks. The reason of a refusal is in words.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let found: Format = serde_json::from_slice(bytes)
            .map_err(|error| format!("it is not a manifest ({error}); publish again"))?;
        if found.format != FORMAT {
            return Err(format!(
                "it has format {}, this plug-in's shell reads {FORMAT}: use a `cargo hotshell` of the same version",
                found.format
            ));
        }
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|error| format!("it is not a manifest ({error}); publish again"))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        super::folder::check_name(&self.file)?;
        let hash = u128::from_str_radix(&self.hash, 16).ok().filter(|hash| hash_text(*hash) == self.hash);
        let Some(hash) = hash else {
            return Err(format!("its hash {:?} is not 32 hexadecimal digits", clip(&self.hash)));
        };
        if self.build == 0 {
            return Err("build 0 is the shell's own; published builds count from 1".to_owned());
        }
        if self.file != file_name(self.build, hash) {
            return Err(format!(
                "it names the file {:?}, which is not the name of build {} with its hash",
                clip(&self.file),
                self.build
            ));
        }
        if self.length > MAX_BUILD_BYTES {
            return Err(format!("its build has {} bytes, more than {MAX_BUILD_BYTES}", self.length));
        }
        Ok(())
    }
}

/// 32 hexadecimal digits.
#[must_use]
pub fn hash_text(hash: u128) -> String {
    format!("{hash:032x}")
}

/// The number of a build's file, `None` for any other name.
pub(super) fn build_of(name: &str) -> Option<u32> {
    let (number, hash) = name.strip_prefix("build-")?.strip_suffix(DLL_SUFFIX)?.split_once('-')?;
    (hash.len() == 32 && hash.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(())?;
    number.parse().ok()
}

fn file_name(build: u32, hash: u128) -> String {
    format!("build-{build}-{}.{DLL_EXTENSION}", hash_text(hash))
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}
