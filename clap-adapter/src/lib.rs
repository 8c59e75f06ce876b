//! CLAP.
