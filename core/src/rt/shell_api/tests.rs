//! Panics of the shell's own die in the shell, whatever the logic calls: called here as a logic calls.

use hotshell_abi::StoreRef;

use super::*;

/// A store whose every function panics.
struct Broken;

impl StoreAccess for Broken {
    fn param_cell(&self, _: u32) -> Option<&ParamCell> {
        panic!("planted")
    }
    fn meter_cells(&self, _: &str, _: usize) -> Option<&[MeterCell]> {
        panic!("planted")
    }
    fn field_version(&self, _: &str) -> u64 {
        panic!("planted")
    }
    fn field_read(&self, _: &str) -> Option<(Vec<u8>, u64)> {
        panic!("planted")
    }
    fn field_write(&self, _: &str, _: &[u8], _: bool) -> Option<u64> {
        panic!("planted")
    }
    fn log(&self, _: Level, _: &str) {
        panic!("planted")
    }
    fn rt_log(&self, _: Level, _: &str) {
        panic!("planted")
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        panic!("planted")
    }
}

#[test]
fn a_panic_of_the_shell_never_crosses_into_the_logic() {
    let owner = StoreOwner::new(Arc::new(Broken));
    // SAFETY: the table is this crate's, and the owner is alive during the call.
    let store = unsafe { StoreRef::retain(&raw const SHELL_API, Arc::as_ptr(&owner).cast()) }.unwrap();
    drop(owner);
    assert!(store.param(1).is_none());
    assert!(store.meter("meter", 2).is_none());
    assert_eq!(store.field_version("field"), 0);
    assert!(store.field_read("field").is_none());
    assert!(store.field_write("field", b"bytes", true).is_err());
    store.log(3, "a line");
    store.rt_log(3, "a line");
    let clone = store.clone();
    drop(store);
    // The last owner: the store's own drop panics too.
    drop(clone);
}

#[test]
fn a_null_store_answers_nothing() {
    // SAFETY: the functions take a null store for none.
    unsafe {
        assert!(param_cell(ptr::null(), 1).is_null());
        assert_eq!(field_version(ptr::null(), Str::new("field")), 0);
        retain(ptr::null());
        release(ptr::null());
    }
}
