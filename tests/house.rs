//! The rules of the house that no compiler lint keeps: where `unsafe` may stand, how long a file is, what a module's
//! documentation opens with, and under which licences we link.

use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::Visit;

/// DESIGN 9.9: where `unsafe` may stand. A folder (`/`), a file (`.rs`), or a file and the folder of its name.
const UNSAFE_ALLOWED: &[&str] = &[
    "core/abi/",
    "core/logic/src/export/",
    "core/src/instance",
    "core/src/reload/load.rs",
    "core/src/rt/",
    "clap-adapter/src/entry",
    "clap-adapter/src/factory",
    "clap-adapter/src/process",
    "clap-adapter/src/ext",
    "vst3-adapter/src/entry",
    "vst3-adapter/src/factory",
    "vst3-adapter/src/process",
    "vst3-adapter/src/com",
    "editor-proxy/src/window",
    "editor-proxy/kit/src/window",
    "cargo-hotshell/src/host/load.rs",
    // The client side of COM, for the same reason as `load`: a host of other people's bundles cannot do without.
    "cargo-hotshell/src/host/com",
    "cargo-hotshell/src/trial/guard/linux.rs",
    "tests/harness/",
    // It must crash.
    "tests/fixtures/tried/",
];

/// Lines of a file, at most.
const LONGEST_FILE: usize = 600;

/// Lines of a function that C calls, at most.
const LONGEST_CALLBACK: usize = 25;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

/// Every Rust file of the tree: path from the root with `/`, and text.
fn sources() -> Vec<(String, String)> {
    let root = root();
    let built = |name: &str| name == "target" || name.starts_with("target-") || name.starts_with('.');
    let mut found = Vec::new();
    let walk = walkdir::WalkDir::new(&root).into_iter();
    for entry in walk.filter_entry(|e| e.depth() == 0 || !e.file_name().to_str().is_none_or(built)) {
        let entry = entry.expect("the tree is readable");
        if entry.path().extension().is_some_and(|e| e == "rs") {
            let path = entry.path().strip_prefix(&root).expect("below the root").display().to_string();
            let text = std::fs::read_to_string(entry.path()).expect("sources are UTF-8");
            found.push((path.replace('\\', "/"), text));
        }
    }
    assert!(found.iter().any(|(path, _)| path == "src/lib.rs"), "the walk finds the facade");
    found
}

/// Counts `unsafe` keywords. `unsafe(no_mangle)`, the form of attributes, counts only where `attributes` says so.
fn count_unsafe(tokens: TokenStream, attributes: bool) -> usize {
    let mut count = 0;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => count += count_unsafe(group.stream(), attributes),
            TokenTree::Ident(word) if word == "unsafe" => {
                let attribute = matches!(tokens.peek(), Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Parenthesis);
                count += usize::from(!attribute || attributes);
            }
            _ => {}
        }
    }
    count
}

/// Nothing is named by accident: `com` is no prefix of `component.rs`.
fn is_named(path: &str, allowed: &str) -> bool {
    if allowed.ends_with('/') {
        return path.starts_with(allowed);
    }
    let rest = path.strip_prefix(allowed);
    rest.is_some_and(|rest| {
        rest.is_empty() || (rest == ".rs" || rest.starts_with('/')) && !allowed.ends_with(".rs")
    })
}

#[test]
fn unsafe_stands_only_in_the_files_that_design_9_9_names() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if UNSAFE_ALLOWED.iter().any(|allowed| is_named(&path, allowed)) {
            continue;
        }
        let tokens: TokenStream = text.parse().unwrap_or_else(|e| panic!("{path}: {e}"));
        // The facade's macro must write the attribute of its exports.
        let count = count_unsafe(tokens, !path.starts_with("src/"));
        if count > 0 {
            wrong.push(format!("{path}: {count}"));
        }
    }
    assert!(wrong.is_empty(), "unsafe outside of DESIGN 9.9: {wrong:#?}");
}

#[test]
fn no_file_is_longer_than_600_lines() {
    let long = |(path, text): &(String, String)| {
        let lines = text.lines().count();
        (lines > LONGEST_FILE).then(|| format!("{path}: {lines}"))
    };
    let long: Vec<_> = sources().iter().filter_map(long).collect();
    assert!(long.is_empty(), "split these by concern: {long:#?}");
}

#[test]
fn a_modules_documentation_opens_with_who_calls_it_on_which_thread() {
    let mut bare = Vec::new();
    for (path, text) in sources() {
        let product = [
            "core/",
            "clap-adapter/src",
            "vst3-adapter/src",
            "editor-proxy/",
            "cargo-hotshell/src",
            "src/",
            "tests/harness/",
        ];
        let exempt = path.ends_with("tests.rs") || path.contains("/tests/") || path.ends_with("build.rs");
        if exempt || path.contains("/templates/") || !product.iter().any(|start| path.starts_with(start)) {
            continue;
        }
        let doc: String =
            text.lines().take_while(|line| line.starts_with("//!") || line.starts_with("#![")).collect();
        for word in ["Called by", "Calls", "Threads"] {
            if !doc.contains(word) {
                bare.push(format!("{path}: {word}"));
            }
        }
    }
    assert!(bare.is_empty(), "module documentation without its first three words: {bare:#?}");
}

struct Callbacks {
    long: Vec<String>,
    seen: usize,
}

impl Callbacks {
    fn check(&mut self, signature: &syn::Signature, body: &syn::Block, of_com: bool) {
        let from_c =
            signature.abi.as_ref().is_some_and(|abi| abi.name.as_ref().is_some_and(|n| n.value() == "C"));
        if from_c || of_com && signature.unsafety.is_some() {
            self.seen += 1;
            let lines = body.span().end().line - body.span().start().line + 1;
            if lines > LONGEST_CALLBACK {
                self.long.push(format!("{}: {lines}", signature.ident));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Callbacks {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.check(&item.sig, &item.block, false);
        syn::visit::visit_item_fn(self, item);
    }

    /// The `vst3` crate's interfaces are traits of this name; their unsafe functions are what a host calls.
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let name = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
        let of_com = name.is_some_and(|name| {
            let name = name.ident.to_string();
            name.starts_with('I') && name.ends_with("Trait")
        });
        for function in &item.items {
            if let syn::ImplItem::Fn(function) = function {
                self.check(&function.sig, &function.block, of_com);
            }
        }
        syn::visit::visit_item_impl(self, item);
    }
}

#[test]
fn a_function_that_c_calls_is_at_most_25_lines() {
    let mut callbacks = Callbacks { long: Vec::new(), seen: 0 };
    for (path, text) in sources() {
        let file = syn::parse_file(&text).unwrap_or_else(|e| panic!("{path}: {e}"));
        callbacks.visit_file(&file);
    }
    assert!(callbacks.seen > 0, "the boundary has callbacks");
    assert!(callbacks.long.is_empty(), "callbacks translate, call, translate: {:#?}", callbacks.long);
}

#[test]
fn every_dependency_has_a_permissive_licence() {
    let permissive = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "CC0-1.0",
        "0BSD",
        "Unlicense",
        "Unicode-3.0",
        "BSL-1.0",
        "MIT-0",
    ];
    // Licences of typefaces, in the package that holds nothing else; the command draws its picture's labels with them.
    let fonts = ["OFL-1.1", "Ubuntu-font-1.0"];
    let metadata = MetadataCommand::new().exec().expect("cargo metadata answers");
    let mut refused = Vec::new();
    for package in &metadata.packages {
        let license = package.license.as_deref().unwrap_or("");
        let parsed = spdx::Expression::parse_mode(license, spdx::ParseMode::LAX);
        let fits = parsed.is_ok_and(|expression| {
            expression.evaluate(|wanted| {
                wanted.license.id().is_some_and(|id| {
                    let font = package.name.as_str() == "epaint_default_fonts" && fonts.contains(&id.name);
                    permissive.contains(&id.name) || font
                })
            })
        });
        if !fits {
            refused.push(format!("{} {}: {license:?}", package.name, package.version));
        }
    }
    assert!(refused.is_empty(), "licences that we do not link: {refused:#?}");
}
