//! Every input that ever broke something, and some thousand cases of the generator with a seed that is always the same.
//! `cargo bench -p hotshell-tests --bench fuzz -- --minutes N` looks for new ones.

use hotshell_tests::fuzz::{Bench, Target};

/// Cases of each target: a second or two.
const CASES: u64 = 400;

#[test]
fn what_was_found_stays_fixed_and_the_first_cases_of_the_generator_hold() {
    let mut bench = Bench::new();
    let mut replayed = 0;
    for target in Target::ALL {
        for entry in std::fs::read_dir(target.folder()).into_iter().flatten().flatten() {
            let bytes = std::fs::read(entry.path()).expect("readable");
            let answer = bench.replay(target, &bytes);
            assert_eq!(answer, Ok(()), "{}", entry.path().display());
            replayed += 1;
        }
        for seed in 0..CASES {
            if let Err((wrong, bytes)) = bench.run(target, seed) {
                panic!("{} {seed}: {wrong}: {} bytes", target.name(), bytes.len());
            }
        }
    }
    assert!(replayed > 0, "what was found lies in tests/fuzz");
}

#[test]
fn a_state_whose_header_says_another_length_is_refused() {
    let mut bench = Bench::new();
    for state in bench.corpus(Target::State).to_vec() {
        let length = state.len() as u64 - 20;
        assert_eq!(bench.replay(Target::State, &state), Ok(()), "with its own");
        for lie in [0, 1, length - 1, length + 1, length | 1 << 32, length | 1 << 63, u64::MAX] {
            let mut bytes = state.clone();
            bytes[12..20].copy_from_slice(&lie.to_le_bytes());
            assert_eq!(bench.replay(Target::State, &bytes), Ok(()), "{lie} instead of {length}");
        }
    }
}
