//! Saved state beyond parameters and persistent fields, and documents of older versions.
//!
//! Called by: authors; `export/state` makes them. Calls: serde. Threads: [main].

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a state was refused: a sentence for the user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateError(pub String);

impl StateError {
    /// Refused because of `reason`.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl std::fmt::Display for StateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StateError {}

fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, StateError> {
    rmp_serde::to_vec_named(value)
        .map_err(|error| StateError(format!("the value cannot be encoded: {error}")))
}

fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, StateError> {
    rmp_serde::from_slice(bytes).map_err(|error| StateError(format!("`{what}` does not decode: {error}")))
}

/// Entries of the author's own, by key. The order of the calls does not matter: the bytes are the same.
#[derive(Debug, Default)]
pub struct StateWriter<'a> {
    entries: BTreeMap<String, Vec<u8>>,
    failed: Option<StateError>,
    _call: std::marker::PhantomData<&'a mut ()>,
}

impl StateWriter<'_> {
    /// Keeps `value` under `key`. A value that does not encode fails the whole save, which the host is told.
    pub fn put<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        match encode(value) {
            Ok(bytes) => drop(self.entries.insert(key.to_owned(), bytes)),
            Err(error) => self.failed = Some(StateError(format!("`{key}`: {error}"))),
        }
    }

    /// All entries as bytes; empty without entries.
    pub(crate) fn finish(self) -> Result<Vec<u8>, StateError> {
        match self.failed {
            Some(error) => Err(error),
            None if self.entries.is_empty() => Ok(Vec::new()),
            None => encode(&self.entries),
        }
    }
}

/// The entries of a saved state.
#[derive(Debug, Default)]
pub struct StateReader<'a> {
    entries: BTreeMap<String, Vec<u8>>,
    _call: std::marker::PhantomData<&'a ()>,
}

impl StateReader<'_> {
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, StateError> {
        let entries =
            if bytes.is_empty() { BTreeMap::new() } else { decode("the plug-in's own state", bytes)? };
        Ok(Self { entries, _call: std::marker::PhantomData })
    }

    /// The value under `key`; `None` if the saved state has none.
    ///
    /// # Errors
    /// [`StateError`] if the bytes are there and do not decode as `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StateError> {
        self.entries.get(key).map(|bytes| decode(key, bytes)).transpose()
    }
}

/// A parameter's value in a document.
#[derive(Clone, PartialEq, Debug)]
pub enum StateValue {
    /// Plain: a float, a whole number, 0 or 1.
    Number(f64),
    /// The id of an enum's variant.
    Choice(String),
}

/// A saved state, decoded: what [`migrate_state`](crate::PluginLogic::migrate_state) rewrites and
/// [`import_state`](crate::PluginLogic::import_state) makes. Ids are dotted.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct StateDoc {
    pub(crate) version: u32,
    pub(crate) params: BTreeMap<String, StateValue>,
    pub(crate) fields: BTreeMap<String, Vec<u8>>,
    pub(crate) own: Vec<u8>,
}

impl StateDoc {
    /// An empty document: everything at its default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `STATE_VERSION` of the build that saved it.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// A parameter's value.
    #[must_use]
    pub fn param(&self, id: &str) -> Option<&StateValue> {
        self.params.get(id)
    }

    /// A parameter's number; `None` if it is missing or a choice.
    #[must_use]
    pub fn number(&self, id: &str) -> Option<f64> {
        match self.params.get(id)? {
            StateValue::Number(value) => Some(*value),
            StateValue::Choice(_) => None,
        }
    }

    /// Sets a parameter's number, in plain units.
    pub fn set_number(&mut self, id: &str, value: f64) {
        self.params.insert(id.to_owned(), StateValue::Number(value));
    }

    /// Sets an enum parameter to the variant with the id `variant`.
    pub fn set_choice(&mut self, id: &str, variant: &str) {
        self.params.insert(id.to_owned(), StateValue::Choice(variant.to_owned()));
    }

    /// Removes a parameter's value; it will be at its default.
    pub fn remove_param(&mut self, id: &str) -> Option<StateValue> {
        self.params.remove(id)
    }

    /// Moves a parameter's value to another id. Nothing happens if it is missing.
    pub fn rename_param(&mut self, from: &str, to: &str) {
        if let Some(value) = self.params.remove(from) {
            self.params.insert(to.to_owned(), value);
        }
    }

    /// Replaces a parameter's number by `change` of it. Nothing happens if it is missing or a choice.
    pub fn rescale(&mut self, id: &str, change: impl FnOnce(f64) -> f64) {
        if let Some(StateValue::Number(value)) = self.params.get_mut(id) {
            *value = change(*value);
        }
    }

    /// A persistent field's value.
    ///
    /// # Errors
    /// [`StateError`] if the bytes are there and do not decode as `T`.
    pub fn field<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, StateError> {
        self.fields.get(id).map(|bytes| decode(id, bytes)).transpose()
    }

    /// Sets a persistent field's value.
    ///
    /// # Errors
    /// [`StateError`] if it does not encode.
    pub fn set_field<T: Serialize + ?Sized>(&mut self, id: &str, value: &T) -> Result<(), StateError> {
        self.fields.insert(id.to_owned(), encode(value)?);
        Ok(())
    }

    /// Moves a persistent field to another id. Nothing happens if it is missing.
    pub fn rename_field(&mut self, from: &str, to: &str) {
        if let Some(bytes) = self.fields.remove(from) {
            self.fields.insert(to.to_owned(), bytes);
        }
    }

    /// The entries of `save_state`.
    ///
    /// # Errors
    /// [`StateError`] if they do not decode.
    pub fn own(&self) -> Result<StateReader<'_>, StateError> {
        StateReader::new(&self.own)
    }

    /// Replaces the entries of `save_state`.
    ///
    /// # Errors
    /// [`StateError`] if a value does not encode.
    pub fn set_own(&mut self, write: impl FnOnce(&mut StateWriter<'_>)) -> Result<(), StateError> {
        let mut writer = StateWriter::default();
        write(&mut writer);
        self.own = writer.finish()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_entries_come_back_and_their_order_does_not_matter() {
        let mut a = StateWriter::default();
        a.put("x", &1_u32);
        a.put("name", "hall");
        let mut b = StateWriter::default();
        b.put("name", "hall");
        b.put("x", &1_u32);
        let bytes = a.finish().unwrap();
        assert_eq!(bytes, b.finish().unwrap());
        let reader = StateReader::new(&bytes).unwrap();
        assert_eq!(reader.get::<u32>("x"), Ok(Some(1)));
        assert_eq!(reader.get::<String>("absent"), Ok(None));
        assert!(reader.get::<u32>("name").unwrap_err().0.contains("`name`"));
        assert!(StateReader::new(&[0xc1, 1, 2]).is_err());
    }

    #[test]
    fn a_document_can_be_renamed_rescaled_and_split() {
        let mut doc = StateDoc::new();
        doc.set_number("gain", 0.5);
        doc.set_choice("mode", "soft");
        doc.rename_param("gain", "level");
        doc.rescale("level", |gain| 20.0 * gain.log10());
        doc.rescale("mode", |_| unreachable!("a choice has no number"));
        doc.rename_param("absent", "mode");
        assert_eq!(doc.number("gain"), None);
        assert!((doc.number("level").unwrap() + 6.0206).abs() < 1e-4);
        assert_eq!(doc.param("mode"), Some(&StateValue::Choice("soft".into())));
        doc.set_field("ir", "hall.wav").unwrap();
        doc.rename_field("ir", "impulse");
        assert_eq!(doc.field::<String>("impulse"), Ok(Some("hall.wav".to_owned())));
    }
}
