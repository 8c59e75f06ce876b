//! A level meter.
//!
//! Called by: authors, in their drawing function. Calls: the meter's cells. Threads: [editor]; the cells are written by
//! [audio], which does not know of this.

use egui::{Align2, Color32, FontId, Id, Rect, Response, Sense, Stroke, Ui, Vec2, Widget, pos2, vec2};
use hotshell_logic::params::Meter;

use super::look;

/// The scale, in dB of full scale.
const LEAST: f32 = -60.0;
const MOST: f32 = 6.0;
/// Where the colours change, dB.
const HIGH: f32 = -9.0;
/// Numbers beside the bars, dB.
const MARKS: [f32; 7] = [6.0, 0.0, -6.0, -12.0, -24.0, -36.0, -48.0];
/// Seconds for which a peak stays, and by how many dB per second it falls then.
const HOLDS: f64 = 1.5;
const FALLS: f32 = 30.0;
/// Width of a bar, of the numbers; height of a clip lamp; in points.
const BAR: f32 = 10.0;
const NUMBERS: f32 = 24.0;
const LAMP: f32 = 7.0;

/// A vertical level meter: a bar for each channel, its peak held for 1.5 s, and a lamp that lights when a sample went
/// over full scale, until the meter is clicked. From -60 to +6 dB.
pub struct LevelMeter<'a, const N: usize> {
    meter: &'a Meter<N>,
    height: f32,
}

impl<const N: usize> std::fmt::Debug for LevelMeter<'_, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LevelMeter").field("height", &self.height).finish_non_exhaustive()
    }
}

/// A level meter for what [`Meter::peak`] shows, linear, 1.0 is full scale. [editor]
///
/// ```ignore
/// ui.add(hotshell::editor::egui::meter(&params.out).height(120.0));
/// ```
#[must_use]
pub const fn meter<const N: usize>(meter: &Meter<N>) -> LevelMeter<'_, N> {
    LevelMeter { meter, height: 120.0 }
}

impl<const N: usize> LevelMeter<'_, N> {
    /// Height in points, 120 at first; at least 40.
    #[must_use]
    pub const fn height(mut self, height: f32) -> Self {
        self.height = height.max(40.0);
        self
    }
}

/// What one channel's meter remembers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Channel {
    /// Highest level of the last while, dB.
    pub(super) peak: f32,
    /// When it was reached, seconds.
    pub(super) since: f64,
    /// It went over full scale since the last click.
    pub(super) clipped: bool,
}

impl Channel {
    pub(super) const SILENT: Self = Self { peak: f32::NEG_INFINITY, since: 0.0, clipped: false };

    /// A level of `linear` is read at `now` seconds, `dt` after the one before; answers it in dB, -inf for silence and
    /// for what is no number.
    pub(super) fn read(&mut self, linear: f32, now: f64, dt: f32) -> f32 {
        let level = if linear > 0.0 { 20.0 * linear.log10() } else { f32::NEG_INFINITY };
        if level >= self.peak {
            (self.peak, self.since) = (level, now);
        } else if now - self.since > HOLDS {
            self.peak = (self.peak - FALLS * dt).max(level);
        }
        self.clipped |= linear > 1.0;
        level
    }
}

impl<const N: usize> Widget for LevelMeter<'_, N> {
    fn ui(self, ui: &mut Ui) -> Response {
        let bars = (0..N).fold(0.0, |sum: f32, _| sum + BAR + 2.0);
        let (rect, response) = ui.allocate_exact_size(vec2(bars + NUMBERS, self.height), Sense::CLICK);
        let (now, dt) = ui.input(|i| (i.time, i.stable_dt));
        let mut left = rect.left();
        for channel in 0..N {
            let id = response.id.with(channel);
            let mut state = if response.clicked() { Channel::SILENT } else { memory(ui, id) };
            let level = state.read(self.meter.get(channel), now, dt);
            ui.data_mut(|data| data.insert_temp(id, state));
            let bar = Rect::from_min_size(pos2(left, rect.top()), vec2(BAR, rect.height()));
            paint(ui, bar, level, &state);
            left += BAR + 2.0;
        }
        let scale = Rect::from_min_max(pos2(left, rect.top() + LAMP + 2.0), rect.max);
        for mark in MARKS {
            let at = pos2(left + 2.0, y(scale, mark).clamp(rect.top() + 5.0, rect.bottom() - 5.0));
            ui.painter().text(
                at,
                Align2::LEFT_CENTER,
                format!("{mark:.0}"),
                FontId::proportional(9.0),
                look::DIM,
            );
        }
        response
    }
}

fn memory(ui: &Ui, id: Id) -> Channel {
    ui.data(|data| data.get_temp(id)).unwrap_or(Channel::SILENT)
}

/// Height of a level on a bar; the upper half belongs to the upper quarter of the decibels.
fn y(bar: Rect, level: f32) -> f32 {
    let travel = ((level - LEAST) / (MOST - LEAST)).clamp(0.0, 1.0);
    bar.bottom() - bar.height() * travel.powf(1.6)
}

fn paint(ui: &Ui, rect: Rect, level: f32, state: &Channel) {
    let painter = ui.painter();
    let lamp = Rect::from_min_size(rect.min, Vec2::new(rect.width(), LAMP));
    painter.rect_filled(lamp, 2.0, if state.clipped { look::WRONG } else { look::TRACK });
    let bar = Rect::from_min_max(pos2(rect.left(), lamp.bottom() + 2.0), rect.max);
    painter.rect_filled(bar, 2.0, look::TRACK);
    let bands: [(f32, f32, Color32); 3] =
        [(LEAST, HIGH, look::LEVEL), (HIGH, 0.0, look::LEVEL_HIGH), (0.0, MOST, look::WRONG)];
    for (from, to, color) in bands {
        if level > from {
            let band =
                Rect::from_min_max(pos2(bar.left(), y(bar, level.min(to))), pos2(bar.right(), y(bar, from)));
            painter.rect_filled(band, 0.0, color);
        }
    }
    if state.peak > LEAST {
        let color = if state.peak > 0.0 { look::WRONG } else { look::TEXT };
        painter.hline(bar.x_range(), y(bar, state.peak), Stroke::new(1.5, color));
    }
    painter.hline(bar.x_range(), y(bar, 0.0), Stroke::new(1.0, look::EDGE));
}
