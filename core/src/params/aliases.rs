//! Earlier ids of renamed parameters, followed to whoever has their place.
//!
//! Called by: `params/plan`. Calls: nothing. Threads: [main] [reload].

use std::collections::{BTreeMap, BTreeSet};

use hotshell_abi::describe::param_host_id;

use super::PlanError;
use super::check::{Checked, collision};
use super::table::Table;

/// Aliases once the build of `params` is live. A chain (a is b, b is c) is followed to its end; an id that the build
/// itself has is no alias; an alias of a removed parameter waits with it.
pub(super) fn after(table: &Table, params: &[Checked]) -> BTreeMap<String, u32> {
    let own: BTreeSet<&str> = params.iter().map(|param| param.info.id.as_str()).collect();
    let live: BTreeSet<usize> = params.iter().map(|param| param.info.index).collect();
    let mut successors: BTreeMap<&str, u32> = BTreeMap::new();
    for param in params {
        for was in &param.was {
            successors.entry(was.as_str()).or_insert_with(|| index(param));
        }
    }
    let mut aliases = BTreeMap::new();
    for (name, target) in &table.aliases {
        let known = table.entries.get(*target as usize).map(|entry| entry.info.id.as_str());
        let next = match known {
            Some(id) if !live.contains(&(*target as usize)) => successors.get(id).copied().unwrap_or(*target),
            _ => *target,
        };
        aliases.insert(name.clone(), next);
    }
    for (name, target) in successors {
        aliases.insert(name.to_owned(), target);
    }
    aliases.retain(|name, _| !own.contains(name.as_str()));
    aliases
}

/// Refuses names that share a host id: a build's own, its earlier ids, and everything this instance remembers.
pub(super) fn check_collisions(table: &Table, params: &[Checked]) -> Result<(), PlanError> {
    let mut names: BTreeMap<u32, &str> = BTreeMap::new();
    let remembered = table.entries.iter().map(|entry| entry.info.id.as_str());
    let aliases = table.aliases.keys().map(String::as_str);
    let own = params.iter().map(|param| param.info.id.as_str());
    let was = params.iter().flat_map(|param| param.was.iter().map(String::as_str));
    for name in remembered.chain(aliases).chain(own).chain(was) {
        if let Some(other) = names.insert(param_host_id(name), name)
            && other != name
        {
            return Err(collision(name, other));
        }
    }
    Ok(())
}

/// A checked parameter's index; the plan has set it.
pub(super) fn index(param: &Checked) -> u32 {
    u32::try_from(param.info.index).unwrap_or(u32::MAX)
}
