//! Saved state: what lies around our own bytes in a stream.
//!
//! Called by: `component`, `controller`. Calls: nothing. Threads: [any].

/// Our bytes in what a host handed over. Some hosts leave the header of a preset file before them, or the whole file.
pub(crate) fn without_preset_header(bytes: &[u8]) -> &[u8] {
    preset_chunk(bytes).unwrap_or(bytes)
}

/// The component's chunk of a `.vstpreset` file: `VST3`, version, class id, place of the list of chunks.
fn preset_chunk(bytes: &[u8]) -> Option<&[u8]> {
    const HEADER: usize = 48;
    if !bytes.starts_with(b"VST3") || bytes.len() < HEADER {
        return None;
    }
    let list = bytes.get(offset(bytes, 40)?..).filter(|list| list.starts_with(b"List"));
    let Some(list) = list else {
        // A header without its list: what follows is ours.
        return bytes.get(HEADER..);
    };
    let entries = list.get(8..)?.chunks_exact(20);
    let ours = entries.into_iter().find(|entry| entry.starts_with(b"Comp"))?;
    let (start, length) = (offset(ours, 4)?, offset(ours, 12)?);
    bytes.get(start..start.checked_add(length)?)
}

fn offset(bytes: &[u8], at: usize) -> Option<usize> {
    let eight = bytes.get(at..at + 8)?.try_into().ok()?;
    usize::try_from(u64::from_le_bytes(eight)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preset(list_at: u64) -> Vec<u8> {
        let mut file = b"VST3\x01\0\0\0".to_vec();
        file.extend([b'A'; 32]);
        file.extend(list_at.to_le_bytes());
        file.extend(b"our bytes");
        file.extend(b"List\x01\0\0\0Comp");
        file.extend(48_u64.to_le_bytes());
        file.extend(9_u64.to_le_bytes());
        file
    }

    #[test]
    fn a_preset_header_before_our_bytes_is_stepped_over() {
        assert_eq!(without_preset_header(&preset(57)), b"our bytes");
        assert_eq!(without_preset_header(&preset(u64::MAX)[..57]), b"our bytes");
    }

    #[test]
    fn what_is_no_preset_file_stays_as_it_is() {
        for bytes in [&b""[..], b"VST3", b"our own bytes", &preset(57)[..40]] {
            assert_eq!(without_preset_header(bytes), bytes);
        }
    }

    #[test]
    fn a_preset_file_that_lies_about_its_chunk_is_left_to_the_shell_to_refuse() {
        let mut file = preset(57);
        let end = file.len();
        file[end - 8..].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(without_preset_header(&file), &file[..]);
    }
}
