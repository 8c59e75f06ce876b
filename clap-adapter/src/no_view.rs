//! No editors: built without the feature `editor`.
//!
//! Called by: `instance`. Calls: nothing. Threads: [main].

use hotshell_core::shell::Shell;

use crate::instance::Main;

#[derive(Default)]
pub(crate) struct View {}

pub(crate) const fn is_there(_shell: &dyn Shell) -> bool {
    false
}

impl Main<'_> {
    #[expect(clippy::unused_self, reason = "with editors it has something to do")]
    pub(crate) const fn view_tick(&self) {}

    #[expect(clippy::unused_self, reason = "with editors it has something to do")]
    pub(crate) const fn view_menu(&self) {}

    #[expect(clippy::unused_self, reason = "with editors it has something to do")]
    pub(crate) const fn view_answered(&self) {}

    #[expect(clippy::unused_self, reason = "with editors it has something to do")]
    pub(crate) const fn destroy_view(&self) {}
}
