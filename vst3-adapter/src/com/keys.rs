//! A key in VST3's numbers as an editor takes it.
//!
//! Called by: `com/view`. Calls: nothing. Threads: [any].

use hotshell_editor_proxy::EditorKey;
use vst3::Steinberg::{char16, int16};

pub(super) fn key_of(unit: char16, code: int16, modifiers: int16, pressed: bool) -> EditorKey {
    EditorKey {
        character: typed(unit, code),
        named: named(code),
        modifiers: self::modifiers(modifiers),
        pressed: u32::from(pressed),
    }
}

/// Some hosts give a character for what a key types, some VST3's number of it, some both.
fn typed(unit: char16, code: int16) -> u32 {
    /// `KEY_SPACE`.
    const SPACE: int16 = 7;
    /// `KEY_NUMPAD0` to `KEY_NUMPAD9`.
    const DIGITS: std::ops::RangeInclusive<int16> = 24..=33;
    match (unit, code) {
        (0, SPACE) => u32::from(b' '),
        (0, digit) if DIGITS.contains(&digit) => {
            u32::from(b'0') + u32::from((digit - DIGITS.start()).cast_unsigned())
        }
        // Half of a pair is no character.
        (unit, _) => char::from_u32(u32::from(unit)).map_or(0, u32::from),
    }
}

/// VST3's virtual key codes.
const fn named(code: int16) -> u32 {
    match code {
        1 => EditorKey::BACKSPACE,
        2 => EditorKey::TAB,
        4 | 19 => EditorKey::ENTER,
        6 => EditorKey::ESCAPE,
        9 => EditorKey::END,
        10 => EditorKey::HOME,
        11 => EditorKey::LEFT,
        12 => EditorKey::UP,
        13 => EditorKey::RIGHT,
        14 => EditorKey::DOWN,
        15 => EditorKey::PAGE_UP,
        16 => EditorKey::PAGE_DOWN,
        22 => EditorKey::DELETE,
        _ => 0,
    }
}

/// VST3's modifier bits: shift 1, alternate 2, command 4 (control on Windows and Linux), control 8 (the system's own key
/// there).
const fn modifiers(bits: int16) -> u32 {
    let bits = bits.cast_unsigned() as u32;
    let mut found = 0;
    if bits & 1 != 0 {
        found |= EditorKey::SHIFT;
    }
    if bits & 2 != 0 {
        found |= EditorKey::ALT;
    }
    if bits & 4 != 0 {
        found |= if cfg!(target_os = "macos") { EditorKey::COMMAND } else { EditorKey::CONTROL };
    }
    if bits & 8 != 0 {
        found |= if cfg!(target_os = "macos") { EditorKey::CONTROL } else { EditorKey::COMMAND };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_types_is_found_wherever_a_host_puts_it() {
        assert_eq!(typed(u16::from(b'a'), 0), u32::from(b'a'));
        assert_eq!(typed(0, 7), u32::from(b' '));
        assert_eq!(typed(u16::from(b' '), 7), u32::from(b' '));
        assert_eq!([typed(0, 24), typed(0, 33)], [u32::from(b'0'), u32::from(b'9')]);
        assert_eq!([typed(0, 11), typed(0, i16::MIN), typed(0xd83c, 0)], [0; 3]);
    }
}
