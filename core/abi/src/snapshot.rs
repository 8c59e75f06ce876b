//! The keyed bytes of `snapshot` and `restore`: a flat list, written by one build and read by another.
//!
//! Called by: `hotshell-logic` on both sides of a swap. Calls: nothing. Threads: [audio]; never allocates.
//!
//! Wire: entries of `key length: u32, value length: u32, key bytes, value bytes`, little-endian, unaligned.

/// Fixed memory for one snapshot, owned by the shell, touched beforehand.
#[repr(C)]
#[derive(Debug)]
pub struct SnapshotBuffer<'a> {
    bytes: *mut u8,
    capacity: u32,
    len: u32,
    /// Entries that did not fit.
    pub dropped: u32,
    reserved: u32,
    _borrow: core::marker::PhantomData<&'a mut [u8]>,
}

impl<'a> SnapshotBuffer<'a> {
    /// An empty snapshot over `bytes`.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self {
            bytes: bytes.as_mut_ptr(),
            capacity: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            len: 0,
            dropped: 0,
            reserved: 0,
            _borrow: core::marker::PhantomData,
        }
    }

    /// What has been written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `new` borrowed `capacity` bytes for `'a`; `len` stays within.
        unsafe { core::slice::from_raw_parts(self.bytes, self.len.min(self.capacity) as usize) }
    }

    /// Appends one entry, whole or not at all; `false` (and `dropped`) if it does not fit.
    pub fn push(&mut self, key: &str, value: &[u8]) -> bool {
        let (Ok(key_len), Ok(value_len)) = (u32::try_from(key.len()), u32::try_from(value.len())) else {
            return false;
        };
        let need = 8 + u64::from(key_len) + u64::from(value_len);
        if u64::from(self.len) + need > u64::from(self.capacity) {
            self.dropped = self.dropped.saturating_add(1);
            return false;
        }
        for part in [&key_len.to_le_bytes()[..], &value_len.to_le_bytes(), key.as_bytes(), value] {
            // SAFETY: the sum of the parts was checked against `capacity`; `new` borrowed the memory exclusively, so
            // a part cannot overlap it.
            unsafe {
                core::ptr::copy_nonoverlapping(part.as_ptr(), self.bytes.add(self.len as usize), part.len());
            }
            #[expect(clippy::cast_possible_truncation, reason = "checked above")]
            {
                self.len += part.len() as u32;
            }
        }
        true
    }
}

/// The value under `key`, or `None`. Damaged bytes end the list.
#[must_use]
pub fn find<'a>(mut bytes: &'a [u8], key: &str) -> Option<&'a [u8]> {
    while let Some((head, rest)) = bytes.split_first_chunk::<8>() {
        let [k0, k1, k2, k3, v0, v1, v2, v3] = *head;
        let key_len = u32::from_le_bytes([k0, k1, k2, k3]) as usize;
        let value_len = u32::from_le_bytes([v0, v1, v2, v3]) as usize;
        let (found, rest) = rest.split_at_checked(key_len)?;
        let (value, rest) = rest.split_at_checked(value_len)?;
        if found == key.as_bytes() {
            return Some(value);
        }
        bytes = rest;
    }
    None
}
