//! The author's side.
