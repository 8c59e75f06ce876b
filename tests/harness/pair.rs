//! One instance in each format, on one slot: hundreds of builds, all different, for one compilation.
//!
//! Called by: tests and benchmarks of editors. Calls: `seat`, `slot`, `fixture-raw`. Threads: the host's main thread.

use std::time::{Duration, Instant};

use hotshell_core::reload::slot::HostReport;

use crate::bundle::{Bundle, Scope};
use crate::fixture::Fixture;
use crate::plugin::PATIENCE;
use crate::screen::{Picture, Screen};
use crate::seat::{ClapSeat, Seat, Vst3Seat};
use crate::slot::TestSlot;
use crate::vst3::Module;

/// The fixture's colour, to which the number of its build is added.
const GROUND: u32 = 0x0030_0000;

/// True if at least half of it is exactly the build's colour: its neighbours' are one step away.
fn shows(picture: &Picture, build: u32) -> bool {
    2 * picture.pixels.iter().filter(|pixel| **pixel == GROUND + build).count() > picture.pixels.len()
}

/// Both play from the start on. Fields are dropped in this order.
pub struct Pair {
    /// The CLAP, then the VST3.
    pub seats: [Box<dyn Seat>; 2],
    slot: TestSlot,
    /// Every further build's bytes but the last ones.
    logic: Vec<u8>,
    marks: u64,
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}

impl Pair {
    /// Builds the fixture, and plays it in both formats.
    ///
    /// # Panics
    /// If it does not build or open.
    #[must_use]
    pub fn new() -> Self {
        // Each build stays mapped, twice.
        let fixture = Fixture::new("fixture-raw", &[]).stripped();
        let slot = TestSlot::new();
        let logic = std::fs::read(fixture.logic().path).expect("built");
        let bundle = Bundle::load(&fixture.shell(&slot), Scope::Local).expect("loads");
        let module = Module::load(&fixture.vst3_shell(&slot)).expect("loads");
        let seats: [Box<dyn Seat>; 2] = [Box::new(ClapSeat::new(bundle)), Box::new(Vst3Seat::new(module))];
        Self { seats, slot, logic, marks: 0 }
    }

    /// A build with a hash of its own; its number.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn publish(&mut self) -> u32 {
        self.marks += 1;
        let path = self.slot.room().join("build.so");
        std::fs::write(&path, [&self.logic[..], &self.marks.to_le_bytes()].concat()).expect("written");
        self.slot.publish_file(&path)
    }

    /// One turn of both hosts' main loops.
    pub fn turn(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.tick());
    }

    /// What the two modules report.
    ///
    /// # Panics
    /// If a block was lost, or a build refused or rolled back.
    #[must_use]
    pub fn reports(&self) -> Vec<HostReport> {
        let reports = self.slot.reports();
        for report in &reports {
            assert_eq!(report.blocks_lost, 0, "a fallback block: {report:#?}");
            assert!(report.refusals.is_empty() && report.faults.is_empty(), "{report:#?}");
        }
        reports
    }

    /// Turns both main loops until `build` is heard in both formats, and seen wherever an editor is open.
    ///
    /// # Panics
    /// If it never is.
    pub fn wait_for(&mut self, screen: &Screen, build: u32) {
        let begin = Instant::now();
        while !self.is_seen(screen, build) || !self.is_heard(build) {
            let (reports, windows) = (self.reports(), self.windows(screen));
            assert!(
                begin.elapsed() < PATIENCE,
                "build {build} is heard and seen: {reports:#?}; {windows:x?}"
            );
            self.turn();
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    fn is_heard(&self, build: u32) -> bool {
        let reports = self.reports();
        let hears = |report: &HostReport| {
            !report.instances.is_empty() && report.instances.iter().all(|instance| instance.heard == build)
        };
        reports.len() == self.seats.len() && reports.iter().all(hears)
    }

    /// True if each open window shows it, and nothing but its editor is in there any more.
    fn is_seen(&self, screen: &Screen, build: u32) -> bool {
        let windows = self.seats.iter().filter_map(|seat| seat.window());
        windows.into_iter().all(|window| {
            let picture = screen.try_picture(window.child);
            picture.is_some_and(|picture| shows(&picture, build))
                && screen.try_children(window.child).is_some_and(|editors| editors.len() == 1)
        })
    }

    /// Ids of all windows in the hosts', these included.
    #[must_use]
    pub fn windows(&self, screen: &Screen) -> Vec<u32> {
        let mut open: Vec<u32> =
            self.seats.iter().filter_map(|seat| seat.window()).map(|window| window.parent).collect();
        let mut all = Vec::new();
        while let Some(window) = open.pop() {
            // None for an editor's that goes in this moment.
            if let Some(children) = screen.try_children(window) {
                all.push(window);
                open.extend(children);
            }
        }
        all
    }
}
