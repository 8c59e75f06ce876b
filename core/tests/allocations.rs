//! What [audio] calls of parameters and store allocates nothing; a damaged state allocates little.

use std::sync::Arc;

use allocation_counter::measure;
use hotshell_abi::describe::param_host_id;
use hotshell_abi::{ParamDesc, Slice, Str, VariantDesc};
use hotshell_core::host::Level;
use hotshell_core::params::{ParamStore, Parameters};
use hotshell_core::{state, store::Store};

fn param(id: &'static str, kind: u32, max: f64, was: &'static [Str<'static>]) -> ParamDesc<'static> {
    const VARIANTS: &[VariantDesc<'static>] = &[
        VariantDesc { id: Str::new("x"), name: Str::new("X") },
        VariantDesc { id: Str::new("y"), name: Str::new("Y") },
    ];
    ParamDesc {
        id: Str::new(id),
        was: Slice::new(was),
        host_id: param_host_id(id),
        kind,
        name: Str::new(id),
        group: Str::default(),
        unit: Str::default(),
        page: Str::default(),
        min: 0.0,
        max,
        default: 0.0,
        law: ParamDesc::LINEAR,
        skew: 1.0,
        flags: ParamDesc::AUTOMATABLE,
        variants: if kind == ParamDesc::ENUM { Slice::new(VARIANTS) } else { Slice::empty() },
    }
}

#[test]
fn the_counter_sees_an_allocation() {
    assert_eq!(measure(|| drop(std::hint::black_box(Box::new(1_u64)))).count_total, 1);
}

#[test]
fn parameters_and_the_ring_allocate_nothing_in_a_block_that_swaps() {
    let before = [param("a", 0, 9.0, &[]), param("b", ParamDesc::ENUM, 1.0, &[]), param("old", 0, 1.0, &[])];
    let after = [
        param("a", ParamDesc::INT, 5.0, &[]),
        param("b", ParamDesc::ENUM, 1.0, &[]),
        param("new", 0, 1.0, const { &[Str::new("old")] }),
    ];
    let params = Arc::new(ParamStore::with_first(&before).expect("a good list"));
    let store = Store::new(Arc::clone(&params) as Arc<dyn Parameters>);
    let plan = params.plan(&after).expect("a good list");
    let used = measure(|| {
        for cookie in 0..4 {
            let index = params.find(param_host_id("a"), cookie).expect("it is there");
            let value = params.clamp(index, f64::NAN);
            params.cell(index).expect("it is there").set_base(value);
        }
        params.switch(&plan);
        assert_eq!(params.find(param_host_id("old"), 3), params.find(param_host_id("new"), 0));
        assert!(params.limits(0).is_some_and(|limits| limits.stepped) && params.is_live(0));
        assert_eq!(params.host_id(9), None);
        for _ in 0..100 {
            store.rt_log(Level::Info, "a line of the audio thread");
        }
        assert_eq!(store.state_generation() + store.fields_version(), 0);
    });
    assert_eq!(used.count_total, 0, "{used:?}");
}

#[test]
fn a_state_never_allocates_more_than_a_small_multiple_of_its_size() {
    let bodies: [Vec<u8>; 8] = [
        vec![0xdf, 0xff, 0xff, 0xff, 0xff],
        vec![0xdd, 0xff, 0xff, 0xff, 0xff],
        vec![0xdb, 0xff, 0xff, 0xff, 0xff],
        vec![0xc6, 0xff, 0xff, 0xff, 0xff],
        [0xdd, 0xff, 0xff, 0xff, 0xff].repeat(1000),
        [0x81, 0xa1, b'p', 0xdf, 0x7f, 0xff, 0xff, 0xff].repeat(1000),
        vec![0x90; 1 << 20],
        vec![0xdd; 1 << 20],
    ];
    for body in bodies {
        let mut bytes = b"HOTSHELL\x01\0\0\0".to_vec();
        bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&body);
        let used = measure(|| assert!(state::decode(&bytes, "org.example").is_err()));
        let most = 128 * bytes.len() as u64 + (1 << 20);
        assert!(used.bytes_max <= most, "{} bytes made {used:?}", bytes.len());
    }
}
