//! What cargo's resolver has switched on: a feature may come from any manifest on the way, and from none that shows it.
//!
//! Called by: `bundle`. Calls: `cargo tree`. Threads: [main].

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::Error;
use crate::project::{Project, cargo};

/// Packages whose feature [`RELOAD`] brings code that loads other code.
const PACKAGES: [&str; 2] = ["hotshell", "hotshell-core"];
const RELOAD: &str = "reload";

/// Refuses a project in which the reloading shell is among the resolved features of a release.
///
/// # Errors
/// It is, or cargo cannot say.
pub fn without_reload(project: &Project, features: &[String]) -> Result<(), Error> {
    let mut command = Command::new(cargo());
    command.current_dir(project.folder()).arg("tree").arg("--manifest-path").arg(&project.manifest);
    command.args(["--package", &project.package, "--edges", "normal,build", "--prefix", "none"]);
    command.args(["--color", "never", "--format", "{p}|{f}"]);
    for feature in features {
        command.arg("--features").arg(feature);
    }
    let output = command.stdin(Stdio::null()).output().context("cannot start `cargo tree`")?;
    if !output.status.success() {
        bail!("cargo cannot resolve {}: {}", project.package, String::from_utf8_lossy(&output.stderr).trim());
    }
    match reloading(&String::from_utf8_lossy(&output.stdout)) {
        None => Ok(()),
        Some(package) => bail!(
            "{package}/{RELOAD} is among the resolved features of {}: a manifest (or `--features`) switches on \
             `{}/{RELOAD}`, which only `cargo hotshell dev` may do; nothing was bundled",
            project.package,
            project.dependency
        ),
    }
}

/// The package of `tree` that has the feature, if one has.
fn reloading(tree: &str) -> Option<&str> {
    tree.lines().find_map(|line| {
        let (package, features) = line.split_once('|')?;
        let name = package.split(' ').next()?;
        // A package that was listed before is marked by a star behind its features.
        let on = features.trim_end_matches(" (*)").split(',').any(|feature| feature == RELOAD);
        (PACKAGES.contains(&name) && on).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feature_is_found_in_the_packages_that_have_it_and_in_no_other() {
        assert_eq!(
            reloading("gain v0.1.0 (/a)|\nhotshell v0.1.0 (/h)|clap,default,reload,vst3\n"),
            Some("hotshell")
        );
        assert_eq!(
            reloading("hotshell v0.1.0 (/h)|clap\nhotshell-core v0.1.0|reload (*)\n"),
            Some("hotshell-core")
        );
        assert_eq!(reloading("hotshell v0.1.0 (/h)|clap,logic-only\nother v1.0.0|reload\n"), None);
    }
}
