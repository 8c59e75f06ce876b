//! Every input that ever broke something, and some thousand cases of the generator with a seed that is always the same.
//! `cargo bench -p hotshell-tests --bench fuzz -- --minutes N` looks for new ones.

use hotshell_tests::fuzz::{Bench, Target};

/// Cases of each target: a second or two.
const CASES: u64 = 400;

#[test]
fn what_was_found_stays_fixed_and_the_first_cases_of_the_generator_hold() {
    let mut bench = Bench::new();
    for target in Target::ALL {
        for entry in std::fs::read_dir(target.folder()).into_iter().flatten().flatten() {
            let bytes = std::fs::read(entry.path()).expect("readable");
            let answer = bench.replay(target, &bytes);
            assert_eq!(answer, Ok(()), "{}", entry.path().display());
        }
        for seed in 0..CASES {
            if let Err((wrong, bytes)) = bench.run(target, seed) {
                panic!("{} {seed}: {wrong}: {} bytes", target.name(), bytes.len());
            }
        }
    }
}
