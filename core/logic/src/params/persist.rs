//! Fields beyond numbers that the shell keeps: persistent ones are saved, kept ones only survive reloads.
//!
//! Called by: authors; `export/shared` syncs them at the hand-over. Calls: `StoreRef`, `export/published`.
//! Threads: reading [any], wait-free and freeing nothing; writing [any but audio].
//!
//! Bytes are MessagePack with field and variant names, so a struct may gain fields (`#[serde(default)]`) and an enum
//! variants. They are deterministic if the type is: `BTreeMap`, not `HashMap`.

use std::sync::Arc;

use hotshell_abi::StoreRef;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::export::published::Reading;

use crate::export::panic;
use crate::export::published::{Published, Source};

/// What a persistent or kept field may hold.
pub trait PersistValue: Serialize + DeserializeOwned + Default + Send + Sync + 'static {}
impl<T: Serialize + DeserializeOwned + Default + Send + Sync + 'static> PersistValue for T {}

/// A field that is saved with the project (and, by scope, with presets).
///
/// `get` is for any thread; on [audio] it neither waits nor frees. `set` is for any thread but [audio].
#[derive(Debug, Clone)]
pub struct Persist<T>(Arc<Field<T>>);

/// A field that survives reloads and closed editors and is never saved.
#[derive(Debug, Clone)]
pub struct Keep<T>(Arc<Field<T>>);

/// A field could not be written; nothing was changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum PersistError {
    /// The value does not encode: serde's own words.
    Encode(String),
    /// The shell refused the bytes of the field with this id.
    Refused(String),
}

impl std::fmt::Display for PersistError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Encode(reason) => write!(f, "the value cannot be encoded: {reason}"),
            Self::Refused(id) => write!(f, "the shell refused the bytes of `{id}`"),
        }
    }
}

impl std::error::Error for PersistError {}

macro_rules! accessors {
    ($name:ident, $user:literal, $doc:literal) => {
        impl<T: PersistValue> $name<T> {
            pub(crate) fn new(field: Arc<Field<T>>) -> Self {
                Self(field)
            }

            /// The value. Wait-free, and dropping the guard frees nothing. [any]
            #[must_use]
            #[inline]
            pub fn get(&self) -> Reading<'_, T> {
                self.0.value.read()
            }

            #[doc = $doc]
            ///
            /// # Errors
            /// [`PersistError`] if the value does not encode or the shell refuses it; nothing was changed.
            pub fn set(&self, value: T) -> Result<(), PersistError> {
                self.0.write(value, $user)
            }
        }
    };
}

accessors!(
    Persist,
    true,
    "Replaces the value and marks the project as changed. If several set it at once, the last whose bytes the shell
took shows to all. [any but audio]"
);
accessors!(
    Keep,
    false,
    "Replaces the value. If several set it at once, the last whose bytes the shell took shows to all. [any but audio]"
);

/// One field, bound to the shell's bytes or on its own.
#[derive(Debug)]
pub(crate) struct Field<T> {
    id: String,
    store: Option<StoreRef>,
    /// With the version of the bytes that it was decoded from or encoded to.
    value: Published<T>,
}

impl<T> std::fmt::Debug for Published<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Published")
    }
}

impl<T: PersistValue> Field<T> {
    /// Bound to `store`, with its default until `sync` reads it.
    pub(crate) fn new(id: String, store: Option<StoreRef>) -> Self {
        Self { id, store, value: Published::new(T::default()) }
    }

    /// No lock is held around the bytes and the value, nor while the author's code runs: the shell numbers the bytes,
    /// and the value of the greatest number stays. Whoever sets at the same time, both end on the same.
    fn write(&self, value: T, user: bool) -> Result<(), PersistError> {
        let bytes =
            rmp_serde::to_vec_named(&value).map_err(|error| PersistError::Encode(error.to_string()))?;
        let version = match &self.store {
            Some(store) => store
                .field_write(&self.id, &bytes, user)
                .map_err(|_| PersistError::Refused(self.id.clone()))?,
            None => 0,
        };
        // Not shown: somebody's later bytes are there already, and their value.
        let _ = self.value.set(value, version, Source::Written);
        Ok(())
    }
}

/// What the shell's hand-over asks of every field, whatever it holds.
pub(crate) trait SyncField: Send + Sync {
    /// Reads the bytes again if their version has moved. On a failure the default shows, the bytes stay.
    fn sync(&self) -> Result<(), String>;
}

impl<T: PersistValue> SyncField for Field<T> {
    fn sync(&self) -> Result<(), String> {
        let Some(store) = &self.store else { return Ok(()) };
        let moved = store.field_version(&self.id);
        if moved <= self.value.version() {
            return Ok(());
        }
        let (decoded, version) = match store.field_read(&self.id) {
            Some((bytes, version)) => (decode(&bytes), version),
            // A loaded state had none: the field is its default again.
            None => (Ok(T::default()), moved),
        };
        match decoded {
            Ok(value) => {
                let _ = self.value.set(value, version, Source::Read);
                Ok(())
            }
            Err(error) if self.value.set(T::default(), version, Source::Read) => Err(format!(
                "{}: its saved bytes do not decode ({error}); they are kept, the default shows",
                self.id
            )),
            // Bytes that have been replaced meanwhile.
            Err(_) => Ok(()),
        }
    }
}

/// A panic of the author's is a failure like any other here: it must not keep the fields behind this one from being
/// read.
fn decode<T: PersistValue>(bytes: &[u8]) -> Result<T, String> {
    match panic::catch(|| rmp_serde::from_slice(bytes)) {
        Some(decoded) => decoded.map_err(|error| error.to_string()),
        None => Err("their decoder panicked".to_owned()),
    }
}

/// A file that the user chose: its path, as text so that it saves on every system.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct FilePath(pub String);

impl FilePath {
    /// The path, or `None` while nothing is chosen.
    #[must_use]
    pub fn path(&self) -> Option<&std::path::Path> {
        (!self.0.is_empty()).then(|| std::path::Path::new(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, serde::Deserialize, Default)]
    struct Old {
        a: u32,
    }
    #[derive(serde::Serialize, serde::Deserialize, Default, Debug, PartialEq)]
    struct New {
        a: u32,
        #[serde(default)]
        b: String,
    }

    #[test]
    fn a_field_may_gain_fields() {
        let bytes = rmp_serde::to_vec_named(&Old { a: 7 }).unwrap();
        let new: New = rmp_serde::from_slice(&bytes).unwrap();
        assert_eq!(new, New { a: 7, b: String::new() });
    }

    #[test]
    fn without_a_shell_a_field_holds_what_was_set() {
        let field = Persist::new(Arc::new(Field::<FilePath>::new("ir".into(), None)));
        assert_eq!(field.get().path(), None);
        field.set(FilePath("/a/b.wav".into())).unwrap();
        assert_eq!(field.get().path(), Some(std::path::Path::new("/a/b.wav")));
    }
}
