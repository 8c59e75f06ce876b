//! Two hundred reloads of each format while its editor is open and audio plays.

use hotshell_tests::{Held, Pair, Screen, XErrors};

/// Reloads of each format.
const RELOADS: u32 = 200;
/// Reloads until everything that is made once has been made.
const FIRST: u32 = 5;

// Alone in its file, because it counts what belongs to the whole process.
#[test]
fn two_hundred_reloads_under_open_editors_lose_no_block_and_leave_nothing_behind() {
    let screen = &*Screen::turn();
    let mut pair = Pair::new();
    pair.seats.iter_mut().for_each(|seat| seat.open(screen));
    for _ in 0..FIRST {
        let build = pair.publish();
        pair.wait_for(screen, build);
    }
    let errors = XErrors::watch(screen);
    let before = Held::settled(screen, || pair.turn());
    let windows = [&pair.seats[0], &pair.seats[1]].map(|seat| seat.window());
    let count = pair.windows(screen).len();
    for _ in 0..RELOADS {
        let build = pair.publish();
        pair.wait_for(screen, build);
        let places = [&pair.seats[0], &pair.seats[1]].map(|seat| seat.window());
        assert_eq!(places, windows);
        for window in windows.into_iter().flatten() {
            assert_eq!(screen.children(window.parent), [window.child], "the same window at build {build}");
        }
    }
    assert_eq!(pair.windows(screen).len(), count, "one editor in each");
    before.wait_for_no_more(screen, || pair.turn());
    let reports = pair.reports();
    assert_eq!(reports.len(), 2, "one of each format");
    for report in reports {
        assert_eq!(report.loads, u64::from(FIRST + RELOADS));
    }
    for seat in &mut pair.seats {
        let recording = seat.stop();
        recording.assert_clean();
        seat.close(screen);
    }
    assert_eq!(errors.end(), Vec::<String>::new(), "the X server was asked for nothing that it refused");
}
