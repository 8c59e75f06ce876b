//! `moduleinfo.json`: what hosts may know of a VST3 bundle without loading it, in the words of its own factory.
//!
//! Called by: `bundle`, `install` (for the file), `contents` (the child's side). Calls: itself as a child process,
//! `host/com`. Threads: [main].

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::Value;

use crate::Error;
use crate::contents;
use crate::host::com::{ClassFacts, FactoryFacts, Module};
use crate::project::Project;

/// The whole file; the names are the SDK's.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ModuleInfo<'a> {
    name: &'a str,
    version: &'a str,
    #[serde(rename = "Factory Info")]
    factory: Factory<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compatibility: Option<Value>,
    classes: Vec<Class<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Factory<'a> {
    vendor: &'a str,
    #[serde(rename = "URL")]
    url: &'a str,
    #[serde(rename = "E-Mail")]
    email: &'a str,
    flags: Flags,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Flags {
    unicode: bool,
    #[serde(rename = "Classes Discardable")]
    discardable: bool,
    #[serde(rename = "Component Non Discardable")]
    stays_loaded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Class<'a> {
    #[serde(rename = "CID")]
    id: String,
    category: &'a str,
    name: &'a str,
    vendor: &'a str,
    version: &'a str,
    #[serde(rename = "SDKVersion")]
    sdk_version: &'a str,
    #[serde(rename = "Sub Categories", skip_serializing_if = "<[String]>::is_empty")]
    sub_categories: &'a [String],
    #[serde(rename = "Class Flags")]
    flags: u32,
    cardinality: i32,
    /// Pictures of the editor; we make none.
    snapshots: [u8; 0],
}

impl<'a> Class<'a> {
    fn of(facts: &'a ClassFacts) -> Self {
        Self {
            id: facts.id(),
            category: &facts.category,
            name: &facts.name,
            vendor: &facts.vendor,
            version: &facts.version,
            sdk_version: &facts.sdk_version,
            sub_categories: &facts.sub_categories,
            flags: facts.flags,
            cardinality: facts.cardinality,
            snapshots: [],
        }
    }
}

fn describe(
    name: &str,
    version: &str,
    factory: &FactoryFacts,
    classes: &[ClassFacts],
    compatibility: Option<&str>,
) -> Result<Vec<u8>, Error> {
    let compatibility = compatibility.map(serde_json::from_str).transpose();
    let info = ModuleInfo {
        name,
        version,
        factory: Factory {
            vendor: &factory.vendor,
            url: &factory.url,
            email: &factory.email,
            flags: Flags {
                unicode: factory.is_unicode(),
                discardable: factory.is_discardable(),
                stays_loaded: factory.stays_loaded(),
            },
        },
        compatibility: compatibility.context("the list of replaced classes is no JSON")?,
        // A list that may change is not to be remembered.
        classes: if factory.is_discardable() { Vec::new() } else { classes.iter().map(Class::of).collect() },
    };
    let mut text = serde_json::to_vec_pretty(&info)?;
    text.push(b'\n');
    Ok(text)
}

/// Loads `library` into this process and describes it: the child's side of [`of`].
///
/// # Errors
/// It cannot be loaded, or its factory does not answer.
pub fn read(library: &Path, name: &str, version: &str) -> Result<Vec<u8>, Error> {
    let module = Module::open(library)?;
    let (factory, classes) = (module.facts()?, module.classes()?);
    let compatibility = module.compatibility(&classes);
    describe(name, version, &factory, &classes, compatibility.as_deref())
}

/// The text for a bundle of `library`. It is asked for in a child: loading a library runs the author's constructors, and
/// what they do must not be ours.
///
/// # Errors
/// The library cannot be loaded as a VST3 module; with what it said.
pub fn of(library: &Path, project: &Project) -> Result<Vec<u8>, Error> {
    let Some(own) = contents::own_command() else { return read(library, &project.name, &project.version) };
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let file = folder.path().join("moduleinfo.json");
    let mut child = Command::new(own);
    child.arg(contents::WORD).arg(library).arg("--module-info").arg(&file);
    child.args(["--name", &project.name, "--version", &project.version]);
    let output =
        child.stdin(Stdio::null()).stdout(Stdio::null()).output().context("the child does not start")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().strip_prefix("error: ").unwrap_or(said.trim());
        bail!("{} cannot be loaded as a VST3 module ({}): {said}", library.display(), output.status);
    }
    std::fs::read(&file).with_context(|| format!("{}: cannot be read", file.display()))
}
