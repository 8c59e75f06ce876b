//! The author's own state behind the table, and documents as lists of entries.
//!
//! Called by: the shell, through the table. Calls: the author's state functions. Threads: [main].

#![allow(unsafe_code, reason = "DESIGN 9.9 names core/logic/src/export: pointers that cross the boundary")]

use hotshell_abi::table::{SharedHandle, StateEntry, StateSink};
use hotshell_abi::{ByteSink, Bytes, Sample, Slice, Status, Str};

use crate::context::Level;
use crate::export::panic::gate;
use crate::export::shared::{Shared, refuse};
use crate::plugin::PluginLogicCore;
use crate::state::{StateDoc, StateReader, StateValue, StateWriter};

pub(crate) unsafe extern "C" fn save_state<G: PluginLogicCore<S>, S: Sample>(
    shared: SharedHandle,
    out: *mut ByteSink<'_>,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on handles and sinks.
        let (shared, out) = unsafe { (Shared::<G::Params>::of(shared), out.as_mut()) };
        let (Some(shared), Some(out)) = (shared, out) else { return Status::BAD_ARGUMENT };
        let mut writer = StateWriter::default();
        G::save_state(&shared.params, &mut writer);
        match writer.finish() {
            Ok(bytes) => out.write(&bytes),
            Err(error) => {
                let line = format!("save_state: {error}; the host is told that saving failed");
                shared.parts.store.log(Level::Error as u32, &line);
                Status::REFUSED
            }
        }
    })
}

pub(crate) unsafe extern "C" fn load_state<G: PluginLogicCore<S>, S: Sample>(
    shared: SharedHandle,
    bytes: Bytes<'_>,
    message: *mut ByteSink<'_>,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on handles and sinks.
        let (shared, message) = unsafe { (Shared::<G::Params>::of(shared), message.as_mut()) };
        let Some(shared) = shared else { return Status::BAD_ARGUMENT };
        let loaded =
            StateReader::new(bytes.as_slice()).and_then(|mut from| G::load_state(&shared.params, &mut from));
        match loaded {
            Ok(()) => Status::OK,
            Err(error) => refuse(&error.0, message),
        }
    })
}

pub(crate) unsafe extern "C" fn migrate_state<G: PluginLogicCore<S>, S: Sample>(
    version: u32,
    document: Slice<'_, StateEntry<'_>>,
    out: *mut StateSink<'_>,
    message: *mut ByteSink<'_>,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on sinks.
        let (out, message) = unsafe { (out.as_mut(), message.as_mut()) };
        let Some(out) = out else { return Status::BAD_ARGUMENT };
        let mut state = decode(version, document.as_slice());
        match G::migrate_state(&mut state) {
            Ok(()) => encode(&state, out),
            Err(error) => refuse(&error.0, message),
        }
    })
}

pub(crate) unsafe extern "C" fn import_state<G: PluginLogicCore<S>, S: Sample>(
    bytes: Bytes<'_>,
    out: *mut StateSink<'_>,
) -> Status {
    gate(|| {
        // SAFETY: the table's contract on sinks.
        let Some(out) = (unsafe { out.as_mut() }) else { return Status::BAD_ARGUMENT };
        match G::import_state(bytes.as_slice()) {
            Some(state) => encode(&state, out),
            None => Status::NOT_SUPPORTED,
        }
    })
}

fn decode(version: u32, entries: &[StateEntry<'_>]) -> StateDoc {
    let mut state = StateDoc { version, ..StateDoc::default() };
    for entry in entries {
        let (id, bytes) = (entry.id.as_str().to_owned(), entry.bytes.as_slice());
        match entry.kind {
            StateEntry::PARAM => {
                let choice = std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty());
                let value =
                    choice.map_or(StateValue::Number(entry.value), |id| StateValue::Choice(id.to_owned()));
                state.params.insert(id, value);
            }
            StateEntry::FIELD => drop(state.fields.insert(id, bytes.to_vec())),
            StateEntry::OWN => state.own = bytes.to_vec(),
            // A kind of a newer shell: not this version's to rewrite.
            _ => {}
        }
    }
    state
}

fn encode(state: &StateDoc, out: &mut StateSink<'_>) -> Status {
    let entry = |kind, id, value, bytes| StateEntry { kind, reserved: 0, id, value, bytes };
    let params = state.params.iter().map(|(id, value)| match value {
        StateValue::Number(number) => entry(StateEntry::PARAM, Str::new(id), *number, Bytes::empty()),
        StateValue::Choice(choice) => {
            entry(StateEntry::PARAM, Str::new(id), 0.0, Bytes::new(choice.as_bytes()))
        }
    });
    let fields =
        state.fields.iter().map(|(id, bytes)| entry(StateEntry::FIELD, Str::new(id), 0.0, Bytes::new(bytes)));
    let own = std::iter::once(&state.own)
        .filter(|own| !own.is_empty())
        .map(|own| entry(StateEntry::OWN, Str::new(""), 0.0, Bytes::new(own)));
    for entry in params.chain(fields).chain(own) {
        let status = out.push(&entry);
        if !status.is_ok() {
            return status;
        }
    }
    Status::OK
}
