//! The rules of `params`, one test each.

mod live;
mod properties;
mod refusals;
mod values;
