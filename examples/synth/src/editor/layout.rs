//! Where things are, in logical pixels, and what a drag of them moves.
//!
//! Called by: `editor`, `picture`. Calls: nothing. Threads: [editor].

/// Size of the whole, logical pixels.
pub const SIZE: (u32, u32) = (680, 348);

/// A rectangle.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Place {
    pub x: f32,
    pub y: f32,
    pub w: f32,
    pub h: f32,
}

impl Place {
    pub const fn new(x: f32, y: f32, w: f32, h: f32) -> Self {
        Self { x, y, w, h }
    }

    pub fn holds(&self, (x, y): (f32, f32)) -> bool {
        (self.x..self.x + self.w).contains(&x) && (self.y..self.y + self.h).contains(&y)
    }
}

pub const ENVELOPE: Place = Place::new(136.0, 48.0, 278.0, 178.0);
pub const FILTER: Place = Place::new(424.0, 48.0, 170.0, 178.0);
pub const METER: Place = Place::new(604.0, 48.0, 60.0, 178.0);
pub const KEYBOARD: Place = Place::new(16.0, 238.0, 648.0, 96.0);

/// Where the envelope is drawn; where the filter's curve is.
pub const CURVE: Place = Place::new(ENVELOPE.x + 14.0, ENVELOPE.y + 34.0, ENVELOPE.w - 28.0, 96.0);
pub const RESPONSE: Place = Place::new(FILTER.x + 8.0, FILTER.y + 30.0, FILTER.w - 16.0, 104.0);
/// Where the level is.
pub const LEVEL: Place = Place::new(METER.x + 16.0, METER.y + 28.0, METER.w - 32.0, 108.0);

/// Most of the curve's width that attack, decay and release take, each; the rest is sustain.
pub const LONGEST: f32 = CURVE.w * 0.28;

/// First and last key, MIDI numbers: four octaves.
pub const FIRST: u8 = 36;
pub const LAST: u8 = 84;

/// What the pointer can take hold of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Part {
    /// A waveform, by index.
    Wave(u8),
    Attack,
    /// Sideways the decay, up and down the sustain level.
    Decay,
    Release,
    /// Sideways the cutoff, up and down the resonance.
    Filter,
    Gain,
}

/// Positions of the parameters, 0 to 1, and what else the picture shows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Model {
    pub wave: u8,
    pub attack: f32,
    pub decay: f32,
    pub sustain: f32,
    pub release: f32,
    pub cutoff: f32,
    pub resonance: f32,
    pub gain: f32,
    /// Texts of attack, decay, sustain, release, cutoff, resonance, gain.
    pub texts: [String; 7],
    /// Linear peaks.
    pub levels: [f32; 2],
    /// One bit for each key that is held.
    pub keys: u128,
    pub build: u32,
    /// Under the pointer, or in the hand.
    pub hot: Option<Part>,
}

pub const fn wave_button(index: u8) -> Place {
    let (column, row) = ((index % 2) as f32, (index / 2) as f32);
    Place::new(16.0 + column * 57.0, 48.0 + row * 91.0, 53.0, 87.0)
}

/// Start, end of attack, end of decay, end of sustain, end of release.
pub fn envelope(model: &Model) -> [(f32, f32); 5] {
    let (bottom, sustain) = (CURVE.y + CURVE.h, CURVE.y + CURVE.h * (1.0 - model.sustain));
    let attack = CURVE.x + LONGEST * model.attack;
    let decay = attack + LONGEST * model.decay;
    let held = decay + CURVE.w - 3.0 * LONGEST;
    let release = held + LONGEST * model.release;
    [(CURVE.x, bottom), (attack, CURVE.y), (decay, sustain), (held, sustain), (release, bottom)]
}

/// Decibels of the response that are on top, and on the bottom.
const TOP: f32 = 24.0;
const BOTTOM: f32 = -36.0;

fn height(db: f32) -> f32 {
    RESPONSE.y + RESPONSE.h * (TOP - db.clamp(BOTTOM, TOP)) / (TOP - BOTTOM)
}

/// The filter's damping; see `filter::Coefficients`.
fn damping(resonance: f32) -> f32 {
    2.0 - 1.9 * resonance
}

/// The filter's response at a position of the cutoff's range.
pub fn response(model: &Model, position: f32) -> (f32, f32) {
    // Three decades.
    let w = 1000_f32.powf(position - model.cutoff);
    let power = (1.0 - w * w).powi(2) + (damping(model.resonance) * w).powi(2);
    (RESPONSE.x + RESPONSE.w * position, height(-10.0 * power.log10()))
}

/// The filter's handle: on its curve.
pub fn filter(model: &Model) -> (f32, f32) {
    response(model, model.cutoff)
}

/// The key's place, and whether it is a black one; black ones lie over their neighbours.
pub fn key(key: u8) -> (Place, bool) {
    const WHITE: [f32; 12] = [0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 3.0, 4.0, 4.0, 5.0, 5.0, 6.0];
    // Four octaves and the C above.
    const WIDTH: f32 = KEYBOARD.w / 29.0;
    let from = key.saturating_sub(FIRST);
    let (octave, note) = (f32::from(from / 12), usize::from(from % 12));
    let black = matches!(note, 1 | 3 | 6 | 8 | 10);
    let left = KEYBOARD.x + (octave * 7.0 + WHITE[note]) * WIDTH;
    if black {
        (Place::new(left + WIDTH * 0.68, KEYBOARD.y, WIDTH * 0.64, KEYBOARD.h * 0.6), true)
    } else {
        (Place::new(left, KEYBOARD.y, WIDTH, KEYBOARD.h), false)
    }
}

/// The key at a point, and how hard it is struck there, 0 to 1: the nearer to the player, the harder.
pub fn key_at(point: (f32, f32)) -> Option<(u8, f32)> {
    let struck = |number: u8| {
        let (place, black) = key(number);
        place.holds(point).then_some((number, black, 0.3 + 0.7 * (point.1 - place.y) / place.h))
    };
    let found = (FIRST..=LAST).filter_map(struck);
    found.max_by_key(|(_, black, _)| *black).map(|(number, _, velocity)| (number, velocity))
}

/// What is at a point.
pub fn part_at(model: &Model, point: (f32, f32)) -> Option<Part> {
    if let Some(wave) = (0..4).find(|wave| wave_button(*wave).holds(point)) {
        return Some(Part::Wave(wave));
    }
    let near = |(x, y): (f32, f32)| (x - point.0).hypot(y - point.1);
    let [_, attack, decay, _, release] = envelope(model);
    let handles = [(Part::Attack, attack), (Part::Decay, decay), (Part::Release, release)];
    let nearest = handles.into_iter().min_by(|a, b| near(a.1).total_cmp(&near(b.1)));
    match nearest {
        Some((part, at)) if near(at) < 16.0 => Some(part),
        _ if FILTER.holds(point) => Some(Part::Filter),
        _ if METER.holds(point) => Some(Part::Gain),
        _ => None,
    }
}

/// Points sideways and upwards that a whole range takes.
pub fn travel(part: Part) -> (f32, f32) {
    match part {
        Part::Filter => {
            (RESPONSE.w, height(-20.0 * damping(0.0).log10()) - height(-20.0 * damping(1.0).log10()))
        }
        Part::Gain => (f32::INFINITY, LEVEL.h),
        _ => (LONGEST, CURVE.h),
    }
}
