//! The announced parameters as CLAP's structures, made once per change, and the pages of remote controls.
//!
//! Called by: `instance` (makes the table), `ext/params`, `ext/remote_controls`. Calls: the shell. Threads: [main].
//!
//! A host may walk the whole list for every id it looks up, so `get_info` must be a copy (FORMATS 2).

use std::ffi::c_char;

use clap_sys::ext::params::{
    CLAP_PARAM_IS_AUTOMATABLE, CLAP_PARAM_IS_AUTOMATABLE_PER_KEY, CLAP_PARAM_IS_AUTOMATABLE_PER_NOTE_ID,
    CLAP_PARAM_IS_BYPASS, CLAP_PARAM_IS_ENUM, CLAP_PARAM_IS_HIDDEN, CLAP_PARAM_IS_MODULATABLE,
    CLAP_PARAM_IS_MODULATABLE_PER_KEY, CLAP_PARAM_IS_MODULATABLE_PER_NOTE_ID, CLAP_PARAM_IS_PERIODIC,
    CLAP_PARAM_IS_READONLY, CLAP_PARAM_IS_STEPPED, clap_param_info,
};
use clap_sys::ext::remote_controls::{CLAP_REMOTE_CONTROLS_COUNT, clap_remote_controls_page};
use clap_sys::id::CLAP_INVALID_ID;
use hotshell_abi::{ParamDesc, describe::param_host_id};
use hotshell_core::shell::{ParamInfo, Shell};

/// Everything the host reads about parameters.
pub(crate) struct Table {
    /// In the order of the append-only list.
    pub(crate) rows: Vec<clap_param_info>,
    /// Of at most eight parameters each.
    pub(crate) pages: Vec<clap_remote_controls_page>,
}

impl Table {
    /// Reads the announced list. May allocate.
    pub(crate) fn read(shell: &dyn Shell) -> Self {
        let infos: Vec<ParamInfo> =
            (0..shell.param_count()).map_while(|index| shell.param_info(index)).collect();
        Self { rows: infos.iter().map(row).collect(), pages: pages(&infos) }
    }
}

fn row(info: &ParamInfo) -> clap_param_info {
    let (min, max) = if info.min <= info.max { (info.min, info.max) } else { (info.max, info.min) };
    clap_param_info {
        id: info.host_id,
        flags: flags(info),
        // A number, never an address: the same for the life of the instance, checked by the shell when it comes back.
        cookie: std::ptr::without_provenance_mut(info.index + 1),
        name: chars(&info.name),
        module: chars(&module(&info.group)),
        min_value: min,
        max_value: max,
        default_value: info.default.clamp(min, max),
    }
}

fn flags(info: &ParamInfo) -> u32 {
    let mut flags = 0;
    let mut set = |on: bool, bits: u32| {
        if on {
            flags |= bits;
        }
    };
    let writable = !info.has(ParamDesc::READ_ONLY);
    let automatable_per_note = info.has(ParamDesc::AUTOMATABLE_PER_NOTE);
    let modulatable_per_note = info.has(ParamDesc::MODULATABLE_PER_NOTE);
    set(info.is_stepped(), CLAP_PARAM_IS_STEPPED);
    set(info.kind == ParamDesc::ENUM, CLAP_PARAM_IS_ENUM);
    set(info.has(ParamDesc::HIDDEN) || info.removed, CLAP_PARAM_IS_HIDDEN);
    set(info.has(ParamDesc::PERIODIC), CLAP_PARAM_IS_PERIODIC);
    set(info.has(ParamDesc::BYPASS) && info.is_stepped(), CLAP_PARAM_IS_BYPASS);
    set(!writable, CLAP_PARAM_IS_READONLY);
    set(writable && (automatable_per_note || info.has(ParamDesc::AUTOMATABLE)), CLAP_PARAM_IS_AUTOMATABLE);
    set(writable && (modulatable_per_note || info.has(ParamDesc::MODULATABLE)), CLAP_PARAM_IS_MODULATABLE);
    // A voice is addressed by key or note id; port and channel alone address none.
    let per_note = CLAP_PARAM_IS_AUTOMATABLE_PER_NOTE_ID | CLAP_PARAM_IS_AUTOMATABLE_PER_KEY;
    set(writable && automatable_per_note, per_note);
    let per_note = CLAP_PARAM_IS_MODULATABLE_PER_NOTE_ID | CLAP_PARAM_IS_MODULATABLE_PER_KEY;
    set(writable && modulatable_per_note, per_note);
    flags
}

/// Groups without empty parts: no leading, trailing or double slash.
fn module(group: &str) -> String {
    group.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// Parameters with the same page name together, in the order in which the names first appear; a page that overflows
/// continues as "Name 2".
fn pages(infos: &[ParamInfo]) -> Vec<clap_remote_controls_page> {
    let mut named: Vec<(&str, Vec<u32>)> = Vec::new();
    for info in
        infos.iter().filter(|info| !info.page.is_empty() && !info.removed && !info.has(ParamDesc::HIDDEN))
    {
        match named.iter_mut().find(|(name, _)| *name == info.page) {
            Some((_, ids)) => ids.push(info.host_id),
            None => named.push((&info.page, vec![info.host_id])),
        }
    }
    let parts = |(name, ids): (&str, Vec<u32>)| {
        let part = |(index, ids): (usize, &[u32])| {
            page(if index == 0 { name.to_owned() } else { format!("{name} {}", index + 1) }, ids)
        };
        ids.chunks(CLAP_REMOTE_CONTROLS_COUNT).enumerate().map(part).collect::<Vec<_>>()
    };
    named.into_iter().flat_map(parts).collect()
}

fn page(name: String, ids: &[u32]) -> clap_remote_controls_page {
    let mut param_ids = [CLAP_INVALID_ID; CLAP_REMOTE_CONTROLS_COUNT];
    for (slot, id) in param_ids.iter_mut().zip(ids) {
        *slot = *id;
    }
    clap_remote_controls_page {
        section_name: chars("Parameters"),
        // Stable as long as the author keeps the name, whatever else is added or removed.
        page_id: param_host_id(&name),
        page_name: chars(&name),
        param_ids,
        is_for_preset: false,
    }
}

/// A C string of fixed size, cut at a character's end; NUL bytes end it.
pub(crate) fn chars<const N: usize>(text: &str) -> [c_char; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(cut(text, N.saturating_sub(1)).bytes().take_while(|byte| *byte != 0))
    {
        *to = c_char::from_ne_bytes([from]);
    }
    out
}

/// The longest beginning of `text` that fits into `bytes` and ends with a whole character.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
