//! What a playing instance hands to its successor at a swap: keyed plain data.
//!
//! Called by: authors' `snapshot` and `restore`; `export/thunk` makes the two sides. Calls: `hotshell_abi::snapshot`.
//! Threads: [audio]; nothing allocates.
//!
//! The other side may be another version of the code: whoever changes what a key means changes the key.
#![deny(clippy::disallowed_types)]

use bytemuck::{AnyBitPattern, NoUninit};
use hotshell_abi::snapshot::{SnapshotBuffer, find};

/// The writing side, 256 KiB in all.
#[derive(Debug)]
pub struct SnapshotWriter<'a> {
    buffer: &'a mut SnapshotBuffer<'a>,
}

impl<'a> SnapshotWriter<'a> {
    pub(crate) const fn new(buffer: &'a mut SnapshotBuffer<'a>) -> Self {
        Self { buffer }
    }

    /// Keeps one plain value. False if it did not fit; the rest still does.
    pub fn put<T: NoUninit>(&mut self, key: &str, value: &T) -> bool {
        self.buffer.push(key, bytemuck::bytes_of(value))
    }

    /// Keeps a slice of plain values: a delay line, a filter's history.
    pub fn put_slice<T: NoUninit>(&mut self, key: &str, values: &[T]) -> bool {
        self.buffer.push(key, bytemuck::cast_slice(values))
    }
}

/// The reading side.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotReader<'a> {
    bytes: &'a [u8],
}

impl<'a> SnapshotReader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The plain value under `key`; `None` if it is missing or of another size.
    #[must_use]
    pub fn get<T: AnyBitPattern>(&self, key: &str) -> Option<T> {
        bytemuck::try_pod_read_unaligned(find(self.bytes, key)?).ok()
    }

    /// Fills `values` from `key`; false, and nothing written, if it is missing or of another length.
    #[must_use]
    pub fn get_slice<T: NoUninit + AnyBitPattern>(&self, key: &str, values: &mut [T]) -> bool {
        let target: &mut [u8] = bytemuck::cast_slice_mut(values);
        let Some(found) = find(self.bytes, key).filter(|found| found.len() == target.len()) else {
            return false;
        };
        target.copy_from_slice(found);
        true
    }

    /// True without any entry: the old build wrote nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_other_sizes_do_not() {
        let mut memory = [0; 256];
        let mut buffer = SnapshotBuffer::new(&mut memory);
        {
            let mut out = SnapshotWriter::new(&mut buffer);
            assert!(out.put("phase", &0.25_f64));
            assert!(out.put_slice("line", &[1.0_f32, 2.0, 3.0]));
            assert!(!out.put_slice("long", &[0.0_f64; 100]), "it cannot fit");
        }
        // `SnapshotWriter` keeps the buffer's borrow; read what it wrote from the memory itself.
        let from = SnapshotReader::new(&memory);
        assert_eq!(from.get::<f64>("phase"), Some(0.25));
        assert_eq!(from.get::<f32>("phase"), None);
        let mut line = [0.0_f32; 3];
        assert!(from.get_slice("line", &mut line));
        assert_eq!(line, [1.0, 2.0, 3.0]);
        assert!(!from.get_slice("line", &mut [0.0_f32; 4]));
        assert_eq!(from.get::<f64>("absent"), None);
    }
}
