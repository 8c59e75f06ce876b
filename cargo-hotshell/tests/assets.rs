//! The committed loop is what its committed generator makes.

#[path = "../assets/loop.rs"]
mod formula;

#[test]
fn the_loop_is_its_formulas_and_closes_without_a_seam() {
    let bytes: &[u8] = include_bytes!("../assets/loop.wav");
    assert!(bytes.len() < 400_000);
    let mut reader = hound::WavReader::new(bytes).expect("a WAV file");
    assert_eq!(reader.spec().sample_rate, formula::RATE);
    let committed: Vec<i16> = reader.samples::<i16>().map(|sample| sample.expect("whole")).collect();
    let made = formula::samples();
    assert_eq!(committed.len(), made.len());
    // Another platform's sine may round differently.
    assert!(committed.iter().zip(&made).all(|(left, right)| left.abs_diff(*right) <= 1));
    let step = |left: i16, right: i16| left.abs_diff(right);
    let largest = made.windows(2).map(|pair| step(pair[0], pair[1])).max().expect("samples");
    assert!(step(made[made.len() - 1], made[0]) <= largest);
    assert!(largest < 3_500, "nothing sharp in it: {largest}");
}
