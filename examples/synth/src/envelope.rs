//! An envelope: a straight attack, then decay and release that fall by equal ratios.
//!
//! Called by: `voice`. Calls: nothing. Threads: [audio].

/// Times in frames, >= 1; the sustain level is linear, 0 to 1.
#[derive(Clone, Copy)]
pub struct Times {
    pub attack: f32,
    pub decay: f32,
    pub sustain: f32,
    pub release: f32,
}

#[derive(Clone, Copy, PartialEq, Default)]
enum Stage {
    #[default]
    Idle,
    Attack,
    Decay,
    Release,
}

/// Linear level, 0 to 1.
#[derive(Clone, Copy, Default)]
pub struct Envelope {
    stage: Stage,
    level: f32,
}

/// -80 dB: below it a release has ended.
const SILENT: f32 = 1e-4;

impl Envelope {
    /// From the level it has: a stolen voice does not click.
    pub fn start(&mut self) {
        self.stage = Stage::Attack;
    }

    pub fn release(&mut self) {
        if self.stage != Stage::Idle {
            self.stage = Stage::Release;
        }
    }

    pub fn runs(&self) -> bool {
        self.stage != Stage::Idle
    }

    /// Where a note stands that began `age` frames ago.
    pub fn skip(&mut self, age: u64, times: &Times) {
        let age = age as f32;
        if age < times.attack {
            self.level = age / times.attack;
            return;
        }
        self.stage = Stage::Decay;
        self.level = times.sustain + (1.0 - times.sustain) * SILENT.powf((age - times.attack) / times.decay);
    }

    /// One frame on. `fall` are the ratios of [`falls`].
    pub fn next(&mut self, times: &Times, fall: (f32, f32)) -> f32 {
        match self.stage {
            Stage::Idle => self.level = 0.0,
            Stage::Attack => {
                self.level += 1.0 / times.attack;
                if self.level >= 1.0 {
                    (self.level, self.stage) = (1.0, Stage::Decay);
                }
            }
            Stage::Decay => self.level = times.sustain + (self.level - times.sustain) * fall.0,
            Stage::Release => {
                self.level *= fall.1;
                if self.level < SILENT {
                    *self = Self::default();
                }
            }
        }
        self.level
    }
}

/// Ratios per frame of decay and release: each reaches -80 dB after its time.
pub fn falls(times: &Times) -> (f32, f32) {
    (SILENT.powf(1.0 / times.decay), SILENT.powf(1.0 / times.release))
}
