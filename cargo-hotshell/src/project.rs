//! Which package is the plug-in, and what it is made of: everything that `cargo metadata` knows.
//!
//! Called by: `dev`, `bundle`, `clean`. Calls: `cargo metadata`. Threads: [main].

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use cargo_metadata::{CrateType, DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::Error;
use crate::format::Format;

/// The framework's package; a plug-in depends on it, under any name.
const FRAMEWORK: &str = "hotshell";

/// Where to look for the plug-in: arguments that `dev`, `bundle` and `clean` share.
#[derive(clap::Args, Debug, Clone)]
pub struct Selection {
    /// Folder (or `Cargo.toml`) of the plug-in or of its workspace.
    #[arg(default_value = ".", value_name = "PATH")]
    pub path: PathBuf,
    /// The plug-in's package, where the workspace has several.
    #[arg(short, long, value_name = "PACKAGE")]
    pub package: Option<String>,
}

/// One plug-in package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its package name.
    pub package: String,
    /// What its bundle is called, without extension: `[package.metadata.hotshell] name`, else the package's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its `Cargo.toml`, absolute.
    pub manifest: PathBuf,
    /// Name of its library target: artifacts are called so.
    pub library: String,
    /// The key under which it depends on hotshell: features are switched on through it.
    pub dependency: String,
    /// Formats that its manifest switches on in any case; its own features may switch on more.
    pub formats: Vec<Format>,
    /// `Cargo.toml` of the workspace (or its own).
    pub workspace_manifest: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// Manifests of the packages that it is made of and that lie on this disk: its own, and path dependencies.
    pub local_manifests: Vec<PathBuf>,
}

impl Project {
    /// Asks cargo and picks the plug-in.
    ///
    /// # Errors
    /// Nothing there, no plug-in, several of them (all are named), or cargo's own error.
    pub fn find(selection: &Selection) -> Result<Self, Error> {
        let manifest = nearest_manifest(&selection.path)?;
        let folder = manifest.parent().unwrap_or(Path::new("."));
        let metadata = MetadataCommand::new()
            .cargo_path(cargo())
            .manifest_path(&manifest)
            .current_dir(folder)
            .exec()
            .with_context(|| format!("cargo cannot read {}", manifest.display()))?;
        let package = select(&metadata, &manifest, selection.package.as_deref())?;
        Self::of(&metadata, package)
    }

    fn of(metadata: &Metadata, package: &Package) -> Result<Self, Error> {
        let library = library_of(package).context("the package has no dynamic library")?;
        let dependency = dependency_of(package).context("the package does not depend on hotshell")?;
        let name = package.metadata.pointer("/hotshell/name").and_then(|name| name.as_str());
        let name = name.unwrap_or(&package.name).to_owned();
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', ':']) {
            bail!(
                "{}: the bundle name {name:?} in [package.metadata.hotshell] cannot be a file name",
                package.name
            );
        }
        Ok(Self {
            package: package.name.to_string(),
            name,
            version: package.version.to_string(),
            manifest: package.manifest_path.clone().into(),
            library,
            formats: formats_of(package),
            dependency,
            workspace_manifest: metadata.workspace_root.join("Cargo.toml").into(),
            target: metadata.target_directory.clone().into(),
            local_manifests: local_manifests(metadata, &package.id),
        })
    }

    /// Folder of the package: where cargo is run, so that its configuration and toolchain files count.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or(Path::new("."))
    }

    /// True if its manifest switches a format on, whatever features are asked for.
    #[must_use]
    pub fn declares(&self, format: Format) -> bool {
        self.formats.contains(&format)
    }

    /// The target folder that is ours: everything in it may be removed.
    #[must_use]
    pub fn own_target(&self) -> PathBuf {
        self.target.join("hotshell")
    }
}

/// The cargo that runs us, or the one in `PATH`.
#[must_use]
pub fn cargo() -> PathBuf {
    std::env::var_os("CARGO").filter(|path| !path.is_empty()).map_or_else(|| "cargo".into(), PathBuf::from)
}

/// The `Cargo.toml` of `path`, or of the nearest folder above it, as cargo itself would look.
fn nearest_manifest(path: &Path) -> Result<PathBuf, Error> {
    let full = path
        .canonicalize()
        .with_context(|| format!("{}: no such file or folder; give the plug-in's folder", path.display()))?;
    if full.is_file() {
        if full.file_name().is_some_and(|name| name == "Cargo.toml") {
            return Ok(full);
        }
        bail!("{} is not a Cargo.toml; give the plug-in's folder", path.display());
    }
    let found = full.ancestors().map(|folder| folder.join("Cargo.toml")).find(|manifest| manifest.is_file());
    found.with_context(|| {
        format!("{}: no Cargo.toml there or in any folder above; give the plug-in's folder", full.display())
    })
}

fn select<'a>(metadata: &'a Metadata, manifest: &Path, wanted: Option<&str>) -> Result<&'a Package, Error> {
    let members = metadata.workspace_packages();
    if let Some(wanted) = wanted {
        let package = members.iter().find(|package| package.name == wanted).with_context(|| {
            format!(
                "the workspace {} has no package {wanted:?}; {}",
                metadata.workspace_root,
                listed(&members)
            )
        })?;
        return match what_is_missing(package) {
            None => Ok(package),
            Some(missing) => bail!("the package {wanted:?} is no hotshell plug-in: {missing}"),
        };
    }
    let plugins: Vec<&Package> =
        members.iter().copied().filter(|package| what_is_missing(package).is_none()).collect();
    let here = |package: &&&Package| package.manifest_path.as_std_path() == manifest;
    match (plugins.iter().find(here), plugins.as_slice()) {
        (Some(package), _) => Ok(package),
        (None, [package]) => Ok(package),
        (None, []) => match members.as_slice() {
            [only] => bail!(
                "{} is no hotshell plug-in: {}",
                only.manifest_path,
                what_is_missing(only).unwrap_or_default()
            ),
            _ => bail!(
                "the workspace {} has no hotshell plug-in: no package has both crate-type \"cdylib\" and a \
                 dependency on hotshell",
                metadata.workspace_root
            ),
        },
        (None, several) => bail!("several plug-ins here; choose one with -p: {}", listed(several)),
    }
}

fn listed(packages: &[&Package]) -> String {
    let mut names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    names.sort_unstable();
    names.join(", ")
}

/// What keeps a package from being a plug-in, and what to write where.
fn what_is_missing(package: &Package) -> Option<String> {
    if dependency_of(package).is_none() {
        return Some("it does not depend on hotshell; `cargo add hotshell`".to_owned());
    }
    if library_of(package).is_none() {
        let advice = "add `[lib] crate-type = [\"cdylib\", \"rlib\"]`";
        return Some(format!("it builds no dynamic library; {advice} to {}", package.manifest_path));
    }
    None
}

fn library_of(package: &Package) -> Option<String> {
    let is_library = |target: &&cargo_metadata::Target| target.crate_types.contains(&CrateType::CDyLib);
    package
        .targets
        .iter()
        .filter(|target| !target.is_example())
        .find(is_library)
        .map(|target| target.name.clone())
}

fn dependency_of(package: &Package) -> Option<String> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    normal
        .filter(|dependency| dependency.name == FRAMEWORK)
        .map(|dependency| dependency.rename.clone().unwrap_or_else(|| dependency.name.clone()))
        .next()
}

/// By the dependency on the framework: its default features are both formats.
fn formats_of(package: &Package) -> Vec<Format> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    let framework = normal.filter(|dependency| dependency.name == FRAMEWORK).collect::<Vec<_>>();
    let has = |format: &Format| {
        framework.iter().any(|dependency| {
            dependency.uses_default_features
                || dependency.features.iter().any(|feature| feature == format.word())
        })
    };
    Format::ALL.into_iter().filter(has).collect()
}

/// Manifests of `root` and of everything without a registry or repository that it is built from.
fn local_manifests(metadata: &Metadata, root: &PackageId) -> Vec<PathBuf> {
    let packages: HashMap<&PackageId, &Package> =
        metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let edges: HashMap<&PackageId, Vec<&PackageId>> =
        metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).fold(HashMap::new(), |mut edges, node| {
            // What only tests and benches need does not change the plug-in.
            let built = |kind: &cargo_metadata::DepKindInfo| kind.kind != DependencyKind::Development;
            let needed = node.deps.iter().filter(|dep| dep.dep_kinds.iter().any(built));
            edges.insert(&node.id, needed.map(|dep| &dep.pkg).collect());
            edges
        });
    let (mut seen, mut queue, mut found) = (BTreeSet::new(), vec![root], BTreeSet::new());
    while let Some(id) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(package) = packages.get(id).filter(|package| package.source.is_none()) else { continue };
        found.insert(PathBuf::from(&package.manifest_path));
        queue.extend(edges.get(id).into_iter().flatten());
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests;
