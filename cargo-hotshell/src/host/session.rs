//! A plug-in that plays: main's side of the deck. Answers what the plug-in asks, restarts it, ends it.
//!
//! Called by: `host`, `render`, `demo`, tests. Calls: `plugin`, `deck`, `clock`, `device`.
//! Threads: [main]; the blocks are played by the clock's or the device's thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clack_host::prelude::ClapId;

use super::clock::{self, Pace};
use super::deck::{Deck, Link, Sink, Totals};
use super::engine::Engine;
use super::plugin::{Config, Plugin};
use super::source::Source;
use crate::Error;

/// Longest wait for the audio thread to hand the plug-in over: some hundred blocks of any size.
const HAND_OVER: Duration = Duration::from_secs(10);

/// Longest time between two looks at what the plug-in asks for.
const LOOK: Duration = Duration::from_millis(10);

enum Driver {
    Clock(std::thread::JoinHandle<()>),
    #[cfg(feature = "device")]
    Device(super::device::Stream),
}

/// The audio thread or stream of a session; ends with it, however the session ends.
struct Running {
    link: Arc<Link>,
    driver: Option<Driver>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.link.stop();
        match self.driver.take() {
            // A thread that panicked has said so.
            Some(Driver::Clock(thread)) => drop(thread.join()),
            #[cfg(feature = "device")]
            Some(Driver::Device(stream)) => drop(stream),
            None => {}
        }
    }
}

/// A playing plug-in.
pub struct Session {
    // First: nothing plays when the rest goes.
    running: Running,
    plugin: Plugin,
    config: Config,
    restarts: u32,
}

/// What to play and where to.
pub struct Setup {
    /// What goes in.
    pub source: Source,
    /// Who listens.
    pub sinks: Vec<Box<dyn Sink>>,
    /// Frames to play; `None` until the source ends or [`Session::stop`].
    pub frames: Option<u64>,
}

impl Session {
    /// Plays `plugin` by its audio half `engine`, against the clock or as fast as it goes.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(plugin: Plugin, engine: Engine, setup: Setup, pace: Pace) -> Result<Self, Error> {
        Self::with(plugin, engine, setup, |deck| Ok(Driver::Clock(clock::start(deck, pace)?)))
    }

    /// Plays `plugin` by its audio half `engine` on the default audio device.
    ///
    /// # Errors
    /// There is no device, or it refuses to play at this rate.
    #[cfg(feature = "device")]
    pub fn start_on_device(plugin: Plugin, engine: Engine, setup: Setup) -> Result<Self, Error> {
        Self::with(plugin, engine, setup, |deck| Ok(Driver::Device(super::device::start(deck)?)))
    }

    fn with(
        plugin: Plugin,
        engine: Engine,
        setup: Setup,
        drive: impl FnOnce(Deck) -> Result<Driver, Error>,
    ) -> Result<Self, Error> {
        let config = engine.config();
        let (deck, link) = Deck::new(engine, setup.source, setup.sinks, setup.frames);
        let running = Running { link, driver: Some(drive(deck)?) };
        Ok(Self { running, plugin, config, restarts: 0 })
    }

    /// The plug-in, for what main may ask of an active one.
    pub const fn plugin(&mut self) -> &mut Plugin {
        &mut self.plugin
    }

    /// What was counted so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.running.link.totals()
    }

    /// Peak of each of `channels` output channels since the last call.
    #[must_use]
    pub fn levels(&self, channels: usize) -> Vec<f32> {
        self.running.link.meter.take(channels)
    }

    /// Times that the plug-in was restarted because it asked.
    #[must_use]
    pub const fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Sends a plain value with the next block.
    pub fn set_param(&self, id: ClapId, value: f64) {
        self.running.link.edit(id, self.plugin.event_value(id, value));
    }

    /// Asks for the end.
    pub fn stop(&self) {
        self.running.link.stop();
    }

    /// One turn of main's loop: waits until something happens, 10 ms at most, and answers it. False once the session
    /// has ended.
    ///
    /// # Errors
    /// The plug-in refuses to be activated again, or the audio thread does not answer.
    pub fn turn(&mut self) -> Result<bool, Error> {
        if self.running.link.ended() {
            return Ok(false);
        }
        std::thread::park_timeout(LOOK);
        self.check_driver()?;
        self.plugin.serve();
        if self.plugin.wants_restart() && !self.running.link.ended() {
            self.restart()?;
        }
        Ok(!self.running.link.ended())
    }

    /// Turns until `done` says so; false if the session ended or `limit` passed first.
    ///
    /// # Errors
    /// As [`Session::turn`].
    pub fn turn_until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> Result<bool, Error> {
        let until = Instant::now() + limit;
        loop {
            if done(self) {
                return Ok(true);
            }
            if !self.turn()? || Instant::now() > until {
                return Ok(done(self));
            }
        }
    }

    /// A thread that ended without its deck having ended has panicked.
    fn check_driver(&self) -> Result<(), Error> {
        match &self.running.driver {
            Some(Driver::Clock(thread)) if thread.is_finished() && !self.running.link.ended() => {
                bail!("the host's audio thread panicked; the message is above")
            }
            _ => Ok(()),
        }
    }

    fn restart(&mut self) -> Result<(), Error> {
        let engine = self
            .running
            .link
            .take_engine(HAND_OVER)
            .context("the audio thread does not hand the plug-in over")?;
        if self.running.link.ended() {
            return self.plugin.deactivate(engine);
        }
        self.plugin.deactivate(engine)?;
        // What the plug-in announced inside deactivate may need a callback of its own before it is active again.
        self.plugin.serve();
        let engine = self.plugin.activate(self.config)?;
        self.restarts += 1;
        self.running.link.give_engine(engine);
        Ok(())
    }

    /// Ends the session; the plug-in comes back inactive.
    ///
    /// # Errors
    /// The audio thread panicked or does not answer, or a sink failed.
    pub fn finish(mut self) -> Result<(Plugin, Totals), Error> {
        let link = self.running.link.clone();
        link.stop();
        let until = Instant::now() + HAND_OVER;
        while !link.ended() {
            self.check_driver()?;
            anyhow::ensure!(Instant::now() < until, "the audio thread does not end");
            std::thread::park_timeout(LOOK);
        }
        drop(self.running);
        if let Some(engine) = link.untaken_engine().or_else(|| link.take_engine(Duration::ZERO)) {
            self.plugin.deactivate(engine)?;
        }
        for sink in link.take_sinks() {
            sink.finish()?;
        }
        Ok((self.plugin, link.totals()))
    }
}
