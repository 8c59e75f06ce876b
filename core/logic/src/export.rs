//! An `impl PluginLogic` becomes the table that a shell drives.

pub(crate) mod published;
