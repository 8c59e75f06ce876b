//! What the derives refuse, and in which words: `refuse/*.stderr` is what an author reads.

#[test]
fn mistakes_are_refused_at_their_field_with_the_next_step() {
    trybuild::TestCases::new().compile_fail("tests/refuse/*.rs");
}
