//! The editor of a plug-in that has none.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use hotshell_abi::editor::EditorSize;
use hotshell_core::host::NoHost;
use hotshell_core::instance::Table;
use hotshell_core::shell::{Shell, StaticShell};
use hotshell_logic::editor::{Editor, EditorError, stand_in};
use hotshell_logic::params::{Params, ParamsBuilder};
use hotshell_logic::{
    AudioBuffer, CreateContext, EventList, PluginInfo, PluginLogic, ProcessContext, ProcessStatus,
};

struct NoParams;

impl Params for NoParams {
    fn build(_builder: &mut ParamsBuilder<'_>) -> Self {
        Self
    }
}

/// With an editor of its own, or without.
struct Plain<const OWN: bool>;

fn window(width: u32) -> Editor {
    Editor::new(width, 100, |_| Err(EditorError::new("never opened")))
}

impl<const OWN: bool> PluginLogic for Plain<OWN> {
    type Params = NoParams;
    const INFO: PluginInfo = PluginInfo::new("org.hotshell.test.plain", "Plain");
    fn create(_params: Arc<NoParams>, _cx: &CreateContext<'_>) -> Self {
        Self
    }
    fn process(
        &mut self,
        _buffer: &mut AudioBuffer<'_, f32>,
        _events: &EventList<'_>,
        _cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        ProcessStatus::Quiet
    }
    fn editor(_params: &Arc<NoParams>) -> Option<Editor> {
        OWN.then(|| window(200))
    }
}

fn size<const OWN: bool>() -> Option<EditorSize> {
    let table = Table::linked(hotshell_logic::export::api::<Plain<OWN>, f32>());
    let shell: StaticShell = StaticShell::open(table, 0, "rig", Box::new(NoHost)).expect("the plug-in opens");
    let build = shell.editors().unwrap().newest().unwrap();
    build.describe().unwrap().map(|desc| desc.size)
}

/// One test: what stands in does so for the whole process.
#[test]
fn an_editor_stands_in_for_none_and_never_for_the_authors_own() {
    assert_eq!((size::<true>(), size::<false>()), (Some(EditorSize::new(200, 100)), None));
    stand_in(|| window(300));
    stand_in(|| window(400));
    assert_eq!(
        (size::<true>(), size::<false>()),
        (Some(EditorSize::new(200, 100)), Some(EditorSize::new(300, 100)))
    );
}
