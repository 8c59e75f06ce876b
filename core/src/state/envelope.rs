//! The bytes of a saved state: a header, then one MessagePack map with named entries.
//!
//! Called by: `state`. Calls: `rmpv`. Threads: [main].
//!
//! Header: `HOTSHELL`, version of the envelope (u32), length of what follows (u64), little-endian.
//! Map: `plugin` text, `state_version` number, `params` {id: number | {value, variant}}, `fields` {id: bytes},
//! `project` {id: bytes} (fields of project scope), `own` bytes; anything else is kept as it is. Maps are in order of
//! their keys, so the same contents give the same bytes.

use std::collections::BTreeMap;

use rmpv::Value;

use super::{Document, SavedField, StateError};
use crate::params::SavedParam;

const MAGIC: &[u8; 8] = b"HOTSHELL";
const VERSION: u32 = 1;
const HEADER: usize = 20;
/// Deepest nesting: ours is 3; newer versions get room, hostile bytes no stack.
const DEPTH: usize = 64;

/// The document as bytes.
#[must_use]
pub fn encode(document: &Document) -> Vec<u8> {
    let mut map: BTreeMap<&str, Value> =
        document.extra.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    map.insert("plugin", Value::from(document.plugin.as_str()));
    map.insert("state_version", Value::from(document.state_version));
    map.insert("params", table(document.params.iter().map(|(id, saved)| (id.as_str(), param(saved)))));
    for (key, project) in [("fields", false), ("project", true)] {
        let fields = document.fields.iter().filter(|(_, field)| field.project == project);
        map.insert(key, table(fields.map(|(id, field)| (id.as_str(), Value::Binary(field.bytes.clone())))));
    }
    map.insert("own", Value::Binary(document.own.clone()));
    let mut body = Vec::new();
    // Writing to memory cannot fail; an empty body would be refused by `decode`, never taken for a state.
    if rmpv::encode::write_value(&mut body, &table(map.into_iter())).is_err() {
        body.clear();
    }
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.append(&mut body);
    bytes
}

fn table<'a>(entries: impl Iterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(entries.map(|(key, value)| (Value::from(key), value)).collect())
}

fn param(saved: &SavedParam) -> Value {
    let value = Value::F64(saved.value);
    match &saved.variant {
        None => value,
        Some(variant) => table([("value", value), ("variant", Value::from(variant.as_str()))].into_iter()),
    }
}

/// The document in `bytes`, which must be a whole one of the plug-in with the id `plugin`. Allocates no more than a
/// small multiple of `bytes`, whatever lengths they claim.
///
/// # Errors
/// [`StateError`]; `NotOurs` if the bytes do not even begin like one of ours.
pub fn decode(bytes: &[u8], plugin: &str) -> Result<Document, StateError> {
    let body = body(bytes)?;
    let mut rest = body;
    let value = rmpv::decode::read_value_with_max_depth(&mut rest, DEPTH)
        .map_err(|error| StateError::Damaged(format!("byte {}: {error}", body.len() - rest.len())))?;
    if !rest.is_empty() {
        return Err(StateError::Damaged(format!("{} bytes follow the end", rest.len())));
    }
    let mut map = named(value, "the top level")?;
    let found = text(take(&mut map, "plugin")?, "plugin")?;
    if found != plugin {
        return Err(StateError::OtherPlugin { found });
    }
    let state_version =
        take(&mut map, "state_version")?.as_u64().and_then(|version| u32::try_from(version).ok());
    let mut document = Document {
        plugin: found,
        state_version: state_version.ok_or_else(|| damaged("state_version"))?,
        own: bytes_of(take(&mut map, "own")?, "own")?,
        ..Document::default()
    };
    for (id, value) in named(take(&mut map, "params")?, "params")? {
        let saved = saved_param(value, &id)?;
        document.params.insert(id, saved);
    }
    for (key, project) in [("fields", false), ("project", true)] {
        for (id, value) in named(take(&mut map, key)?, key)? {
            let bytes = bytes_of(value, &id)?;
            if document.fields.insert(id.clone(), SavedField { bytes, project }).is_some() {
                return Err(damaged(&id));
            }
        }
    }
    document.extra = map;
    super::check(&document)?;
    Ok(document)
}

/// What follows the header.
fn body(bytes: &[u8]) -> Result<&[u8], StateError> {
    if bytes.is_empty() {
        return Err(StateError::Empty);
    }
    let rest = bytes.strip_prefix(MAGIC).ok_or(StateError::NotOurs)?;
    let short = StateError::Length { expected: HEADER as u64, found: bytes.len() as u64 };
    let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(|| short.clone())?;
    let (length, body) = rest.split_first_chunk::<8>().ok_or(short)?;
    let (version, expected) = (u32::from_le_bytes(*version), u64::from_le_bytes(*length));
    if version != VERSION {
        return Err(StateError::Newer { version });
    }
    let found = body.len() as u64;
    if expected == found { Ok(body) } else { Err(StateError::Length { expected, found }) }
}

fn damaged(what: &str) -> StateError {
    StateError::Damaged(format!("\"{what}\" is missing, twice there, or of the wrong kind"))
}

fn take(map: &mut BTreeMap<String, Value>, key: &str) -> Result<Value, StateError> {
    map.remove(key).ok_or_else(|| damaged(key))
}

fn text(value: Value, what: &str) -> Result<String, StateError> {
    match value {
        Value::String(text) => text.into_str().ok_or_else(|| damaged(what)),
        _ => Err(damaged(what)),
    }
}

fn bytes_of(value: Value, what: &str) -> Result<Vec<u8>, StateError> {
    if let Value::Binary(bytes) = value { Ok(bytes) } else { Err(damaged(what)) }
}

fn named(value: Value, what: &str) -> Result<BTreeMap<String, Value>, StateError> {
    let Value::Map(pairs) = value else { return Err(damaged(what)) };
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        let key = text(key, what)?;
        if map.insert(key.clone(), value).is_some() {
            return Err(damaged(&key));
        }
    }
    Ok(map)
}

/// A number, or a map with a number and a variant; entries that newer versions put beside them are passed over.
fn saved_param(value: Value, id: &str) -> Result<SavedParam, StateError> {
    if let Value::Map(_) = value {
        let mut map = named(value, id)?;
        let number = take(&mut map, "value")?.as_f64().ok_or_else(|| damaged(id))?;
        let variant = map.remove("variant").map(|value| text(value, id)).transpose()?;
        return Ok(SavedParam { value: number, variant });
    }
    Ok(SavedParam { value: value.as_f64().ok_or_else(|| damaged(id))?, variant: None })
}
