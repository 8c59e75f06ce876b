//! Keys that a host passes on, as egui takes them.
//!
//! Called by: `egui`. Calls: nothing. Threads: [editor].

use egui::{Event, Key, Modifiers};
use hotshell_logic::editor::EditorKey;

/// What one key of the host's is to egui: the key itself, if egui knows it, and what it types.
pub(super) fn events(key: &EditorKey) -> Vec<Event> {
    let has = |bit| key.modifiers & bit != 0;
    let control = has(EditorKey::CONTROL);
    let command = has(EditorKey::COMMAND);
    let modifiers = Modifiers {
        alt: has(EditorKey::ALT),
        ctrl: control,
        shift: has(EditorKey::SHIFT),
        mac_cmd: command,
        command: if cfg!(target_os = "macos") { command } else { control },
    };
    let pressed = key.pressed != 0;
    let character = char::from_u32(key.character).filter(|c| *c != '\0' && !c.is_control());
    let known = named(key.named).or_else(|| Key::from_name(&character?.to_uppercase().to_string()));
    let mut events = Vec::new();
    if let Some(key) = known {
        events.push(Event::Key { key, physical_key: None, pressed, repeat: false, modifiers });
    }
    if let Some(typed) = character.filter(|_| pressed && !control && !command) {
        events.push(Event::Text(typed.to_string()));
    }
    events
}

const fn named(name: u32) -> Option<Key> {
    Some(match name {
        EditorKey::BACKSPACE => Key::Backspace,
        EditorKey::TAB => Key::Tab,
        EditorKey::ENTER => Key::Enter,
        EditorKey::ESCAPE => Key::Escape,
        EditorKey::DELETE => Key::Delete,
        EditorKey::LEFT => Key::ArrowLeft,
        EditorKey::RIGHT => Key::ArrowRight,
        EditorKey::UP => Key::ArrowUp,
        EditorKey::DOWN => Key::ArrowDown,
        EditorKey::HOME => Key::Home,
        EditorKey::END => Key::End,
        EditorKey::PAGE_UP => Key::PageUp,
        EditorKey::PAGE_DOWN => Key::PageDown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn key(character: char, named: u32, modifiers: u32) -> EditorKey {
        EditorKey { character: character as u32, named, modifiers, pressed: 1 }
    }

    #[test]
    fn a_letter_is_a_key_and_types() {
        let events = events(&key('a', 0, 0));
        assert!(matches!(events[0], Event::Key { key: Key::A, pressed: true, .. }), "{events:?}");
        assert_eq!(events[1], Event::Text("a".to_owned()));
    }

    #[test]
    fn a_shortcut_types_nothing() {
        let events = events(&key('a', 0, EditorKey::CONTROL));
        assert!(matches!(&events[..], [Event::Key { key: Key::A, .. }]), "{events:?}");
    }

    #[test]
    fn a_named_key_and_a_release_type_nothing() {
        let backspace = events(&key('\u{8}', EditorKey::BACKSPACE, 0));
        assert!(matches!(&backspace[..], [Event::Key { key: Key::Backspace, .. }]), "{backspace:?}");
        let release = events(&EditorKey { pressed: 0, ..key('a', 0, 0) });
        assert!(matches!(&release[..], [Event::Key { pressed: false, .. }]), "{release:?}");
    }
}
