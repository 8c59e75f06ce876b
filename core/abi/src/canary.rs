//! What both sides must agree on before the first call, by name.
//!
//! Called by: the logic's table holds one, the shell's `verify` compares it with its own. Calls: nothing.
//! Threads: [reload] [main].

use crate::{Sample, Slice, Str};

/// Name, size and alignment of one crossing type.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeLayout {
    name: [u8; 24],
    size: u32,
    align: u32,
}

impl TypeLayout {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "sizes of the types listed below are far under 4 GiB"
    )]
    const fn of<T>(name: &str) -> Self {
        let mut bytes = [0; 24];
        let source = name.as_bytes();
        let mut i = 0;
        while i < source.len() && i < 24 {
            bytes[i] = source[i];
            i += 1;
        }
        Self { name: bytes, size: size_of::<T>() as u32, align: align_of::<T>() as u32 }
    }

    fn name(&self) -> String {
        let len = self.name.iter().position(|byte| *byte == 0).unwrap_or(self.name.len());
        String::from_utf8_lossy(&self.name[..len]).into_owned()
    }
}

macro_rules! crossing_types {
    ($($type:ty => $name:literal),* $(,)?) => {
        /// Every type that crosses, but for the two tables, which `magic`, `epoch` and `size` govern.
        static TYPES: &[TypeLayout] = &[$(TypeLayout::of::<$type>($name)),*];
    };
}

crossing_types! {
    crate::Status => "Status",
    crate::Reason => "Reason",
    crate::Str<'static> => "Str",
    crate::Bytes<'static> => "Slice",
    crate::ByteSink<'static> => "ByteSink",
    crate::TextBuffer => "TextBuffer",
    crate::ParamCell => "ParamCell",
    crate::MeterCell => "MeterCell",
    crate::Event => "Event",
    crate::event::NoteAddress => "NoteAddress",
    crate::EventOutput<'static> => "EventOutput",
    crate::RenderMode => "RenderMode",
    crate::AudioConfig => "AudioConfig",
    crate::Transport => "Transport",
    crate::BusBuffer => "BusBuffer",
    crate::ProcessArgs<'static> => "ProcessArgs",
    crate::snapshot::SnapshotBuffer<'static> => "SnapshotBuffer",
    crate::PluginDesc<'static> => "PluginDesc",
    crate::BusLayoutDesc<'static> => "BusLayoutDesc",
    crate::BusDesc<'static> => "BusDesc",
    crate::NotePortsDesc => "NotePortsDesc",
    crate::describe::SplitDesc => "SplitDesc",
    crate::HandoverDesc => "HandoverDesc",
    crate::ParamDesc<'static> => "ParamDesc",
    crate::VariantDesc<'static> => "VariantDesc",
    crate::MeterDesc<'static> => "MeterDesc",
    crate::PersistDesc<'static> => "PersistDesc",
    crate::table::CreateArgs<'static> => "CreateArgs",
    crate::table::ResetReport => "ResetReport",
    crate::table::StateEntry<'static> => "StateEntry",
    crate::table::StateSink<'static> => "StateSink",
    crate::editor::WindowHandle => "WindowHandle",
    crate::editor::EditorSize => "EditorSize",
    crate::editor::EditorDesc => "EditorDesc",
    crate::editor::EditorKey => "EditorKey",
    crate::editor::EditorNote => "EditorNote",
    crate::editor::EditorField => "EditorField",
    crate::editor::EditorArgs => "EditorArgs",
    crate::Track => "Track",
}

/// What a side was built with. Kept in the logic's table; the shell compares it with its own before any call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct AbiCanary {
    /// `"f32"` or `"f64"`.
    pub sample_precision: Str<'static>,
    /// Target triple.
    pub target: Str<'static>,
    /// `"unwind"` or `"abort"`.
    pub panic_strategy: Str<'static>,
    /// `rustc --version`; for reports, never compared.
    pub compiler: Str<'static>,
    /// Bits of a pointer.
    pub pointer_width: u32,
    /// 0.
    pub reserved: u32,
    /// Every crossing type.
    pub types: Slice<'static, TypeLayout>,
}

impl AbiCanary {
    /// The canary of the crate that is being compiled, for samples of type `S`.
    #[must_use]
    pub const fn of<S: Sample>() -> Self {
        Self {
            sample_precision: Str::new(S::NAME),
            target: Str::new(env!("HOTSHELL_TARGET")),
            panic_strategy: Str::new(if cfg!(panic = "unwind") { "unwind" } else { "abort" }),
            compiler: Str::new(env!("HOTSHELL_RUSTC")),
            pointer_width: usize::BITS,
            reserved: 0,
            types: Slice::new(TYPES),
        }
    }

    /// Everything in which `logic` differs from `self`, the shell's own; empty if they fit together.
    #[must_use]
    pub fn differences(&self, logic: &Self) -> Vec<CanaryDifference> {
        let mut found = Vec::new();
        let mut compare = |name: &str, shell: String, logic: String| {
            if shell != logic {
                found.push(CanaryDifference { name: name.to_owned(), shell, logic });
            }
        };
        let text = |text: &Str<'static>| text.as_str().to_owned();
        compare("sample_precision", text(&self.sample_precision), text(&logic.sample_precision));
        compare("target", text(&self.target), text(&logic.target));
        compare("panic_strategy", text(&self.panic_strategy), text(&logic.panic_strategy));
        compare("pointer_width", self.pointer_width.to_string(), logic.pointer_width.to_string());
        let (ours, theirs) = (self.types.as_slice(), logic.types.as_slice());
        for layout in ours {
            let other = theirs.iter().find(|other| other.name == layout.name);
            compare(&layout.name(), words(Some(layout)), words(other));
        }
        for layout in theirs {
            if !ours.iter().any(|other| other.name == layout.name) {
                compare(&layout.name(), words(None), words(Some(layout)));
            }
        }
        found
    }
}

fn words(layout: Option<&TypeLayout>) -> String {
    layout.map_or_else(
        || "absent".to_owned(),
        |layout| format!("{} bytes, alignment {}", layout.size, layout.align),
    )
}

/// One difference between the two sides, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanaryDifference {
    /// What differs: `"sample_precision"`, or a type's name.
    pub name: String,
    /// The shell's value.
    pub shell: String,
    /// The logic's value.
    pub logic: String,
}

impl core::fmt::Display for CanaryDifference {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: shell {}, logic {}", self.name, self.shell, self.logic)
    }
}
