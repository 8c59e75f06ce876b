//! Compiles the guard: C, because only C may stand in for `malloc` without going through Rust's own allocator.

fn main() {
    println!("cargo:rerun-if-changed=harness/guard.c");
    println!("cargo:rerun-if-env-changed=CARGO_CFG_SANITIZE");
    let mut guard = cc::Build::new();
    guard.file("harness/guard.c").warnings_into_errors(true).opt_level(2);
    if std::env::var_os("CARGO_CFG_SANITIZE").is_some() {
        // A sanitizer brings interposers of its own, and crashes under a second set.
        guard.define("HOTSHELL_NO_INTERPOSERS", None);
    }
    guard.compile("hotshell_guard");
}
