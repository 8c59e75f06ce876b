//! Announced against live: what the host must be told, in which phase, at most once.
