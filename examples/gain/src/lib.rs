//! Gain.
