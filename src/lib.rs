//! hotshell.
