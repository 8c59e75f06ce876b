//! A parameter's value as text: a click opens a field that takes what the parameter's own texts mean.
//!
//! Called by: `knob`, `slider`. Calls: the parameter's texts. Threads: [editor].

use egui::text::{CCursor, CCursorRange};
use egui::{Align2, CursorIcon, Id, Key, Margin, Rect, Sense, TextEdit, Ui};
use hotshell_logic::editor::{EditorContext, Face};
use hotshell_logic::params::Param;

use super::{hand, look};

/// What is being typed into one part's field.
#[derive(Clone)]
struct Typing {
    text: String,
    /// It was confirmed and meant nothing.
    wrong: bool,
    /// The field has not been drawn yet.
    new: bool,
}

/// The value in `rect`, or the field. Enter or a click elsewhere takes what was typed, Escape drops it; a text that means
/// nothing keeps the field open, in red. True if an edit came of it.
pub(super) fn value<P: Param>(
    ui: &mut Ui,
    cx: &EditorContext,
    param: &P,
    face: &Face<'_>,
    (id, rect, align): (Id, Rect, Align2),
) -> bool {
    let id = id.with("value");
    if let Some(typing) = ui.data(|data| data.get_temp::<Typing>(id)) {
        return field(ui, cx, param, face, (id, rect, align), typing);
    }
    let text = face.text(param.load());
    // A click, not the focus: keys stay with the host.
    let response = ui.interact(rect, id, Sense::CLICK).on_hover_cursor(CursorIcon::Text);
    if response.hovered() {
        ui.painter().rect_filled(rect, look::ROUND, look::SURFACE_HOT);
    }
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    painter.text(
        align.pos_in_rect(&rect.shrink2(egui::vec2(4.0, 0.0))),
        align,
        &text,
        look::small(),
        look::TEXT,
    );
    if response.clicked() {
        ui.data_mut(|data| data.insert_temp(id, Typing { text, wrong: false, new: true }));
        ui.ctx().request_repaint();
    }
    false
}

fn field<P: Param>(
    ui: &mut Ui,
    cx: &EditorContext,
    param: &P,
    face: &Face<'_>,
    (id, rect, align): (Id, Rect, Align2),
    mut typing: Typing,
) -> bool {
    let edit_id = id.with("field");
    if typing.new {
        // All of it is marked: what is typed takes its place.
        let mut state = egui::text_edit::TextEditState::default();
        let all = CCursorRange::two(CCursor::new(0), CCursor::new(typing.text.chars().count()));
        state.cursor.set_char_range(Some(all));
        state.store(ui.ctx(), edit_id);
        ui.memory_mut(|memory| memory.request_focus(edit_id));
        typing.new = false;
    }
    let edit = TextEdit::singleline(&mut typing.text)
        .id(edit_id)
        .font(look::small())
        .margin(Margin::symmetric(3, 1))
        .align(align)
        .text_color(if typing.wrong { look::WRONG } else { look::TEXT });
    let response = ui.put(rect, edit);
    if response.changed() {
        typing.wrong = false;
    }
    let mut done = false;
    let mut moved = false;
    if response.lost_focus() {
        let (dropped, confirmed) = ui.input(|i| (i.key_pressed(Key::Escape), i.key_pressed(Key::Enter)));
        match face.parse(typing.text.trim()) {
            _ if dropped => done = true,
            // The text that was there at first stands for the value to the last bit.
            Some(_) if typing.text == face.text(param.load()) => done = true,
            Some(plain) => {
                moved = hand::put(cx, param, face.to_plain(plain));
                done = true;
            }
            None if confirmed => {
                typing.wrong = true;
                ui.memory_mut(|memory| memory.request_focus(edit_id));
            }
            None => done = true,
        }
    }
    ui.data_mut(|data| {
        if done {
            data.remove::<Typing>(id);
        } else {
            data.insert_temp(id, typing);
        }
    });
    moved
}
