//! The author's side of hotshell.

mod export;
pub mod params;

pub use params::Params;
