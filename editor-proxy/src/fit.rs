//! The sizes that an editor's rules allow, in physical pixels: the same arithmetic for both formats.
//!
//! Called by: `proxy`, `helper`. Calls: nothing. Threads: [any].

use hotshell_abi::editor::{EditorDesc, EditorSize};

/// The allowed size that is nearest to `wanted`, at `scale`: what a wish becomes. Where the editor keeps its proportion,
/// a drag at one edge moves the other one too. What this has answered once it answers again.
pub(crate) fn nearest(desc: &EditorDesc, wanted: EditorSize, scale: f64) -> EditorSize {
    fit(desc, wanted, scale, |(width, height), (across, down)| {
        (across * width + down * height) / (width * width + height * height)
    })
}

/// The greatest allowed size that is all inside of a window of `size`, at `scale`; the least one where none is.
pub(crate) fn within(desc: &EditorDesc, size: EditorSize, scale: f64) -> EditorSize {
    fit(desc, size, scale, |(width, height), (across, down)| (across / width).min(down / height))
}

/// `times`: of the natural sides and the wanted ones, how many times the former, where the proportion is kept.
fn fit(
    desc: &EditorDesc,
    wanted: EditorSize,
    scale: f64,
    times: impl FnOnce((f64, f64), (f64, f64)) -> f64,
) -> EditorSize {
    if !desc.resizable() {
        return desc.size.scaled(scale);
    }
    let (min, max) = (desc.min.scaled(scale), desc.max.scaled(scale));
    let side = |side: u32, min: u32, max: u32| side.clamp(min, max.max(min));
    let inside = EditorSize {
        width: side(wanted.width, min.width, max.width),
        height: side(wanted.height, min.height, max.height),
    };
    let is_kept = inside == wanted && is_in_proportion(wanted, desc.size);
    if desc.flags & EditorDesc::KEEP_ASPECT == 0 || is_kept {
        return inside;
    }
    let sides = |size: EditorSize| (f64::from(size.width.max(1)), f64::from(size.height.max(1)));
    let natural = sides(desc.size);
    // Of the limits before they are rounded: what they allow is then inside of the rounded ones.
    let shares = |limit: EditorSize| {
        let limit = sides(limit);
        (limit.0 / natural.0 * scale, limit.1 / natural.1 * scale)
    };
    let (least, most) = (shares(desc.min), shares(desc.max));
    let times = times(natural, sides(wanted)).min(most.0.min(most.1)).max(least.0.max(least.1));
    desc.size.scaled(times)
}

/// True for a multiple of `natural`, rounded.
fn is_in_proportion(size: EditorSize, natural: EditorSize) -> bool {
    let [width, height] = [natural.width, natural.height].map(u64::from);
    let off = (u64::from(size.width) * height).abs_diff(u64::from(size.height) * width);
    2 * off <= width + height
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: EditorDesc = EditorDesc {
        size: EditorSize::new(200, 100),
        min: EditorSize::new(100, 50),
        max: EditorSize::new(400, 400),
        flags: EditorDesc::RESIZABLE,
        reserved: 0,
    };
    const KEPT: EditorDesc = EditorDesc { flags: EditorDesc::RESIZABLE | EditorDesc::KEEP_ASPECT, ..FREE };

    #[test]
    fn a_fixed_editor_has_one_size_at_each_scale() {
        let fixed = EditorDesc { flags: EditorDesc::KEEP_ASPECT, ..FREE };
        for fit in [nearest, within] {
            assert_eq!(fit(&fixed, EditorSize::new(1, 9999), 1.5), EditorSize::new(300, 150));
        }
    }

    #[test]
    fn a_resizable_editor_stays_inside_its_limits() {
        for fit in [nearest, within] {
            assert_eq!(fit(&FREE, EditorSize::new(1, 9999), 2.0), EditorSize::new(200, 800));
            assert_eq!(fit(&FREE, EditorSize::new(250, 99), 1.0), EditorSize::new(250, 99));
        }
    }

    #[test]
    fn a_kept_proportion_follows_a_drag_at_either_edge_and_fits_into_any_window() {
        assert_eq!(nearest(&KEPT, EditorSize::new(250, 100), 1.0), EditorSize::new(240, 120));
        assert_eq!(nearest(&KEPT, EditorSize::new(200, 150), 1.0), EditorSize::new(220, 110));
        assert_eq!(within(&KEPT, EditorSize::new(250, 100), 1.0), EditorSize::new(200, 100));
        assert_eq!(within(&KEPT, EditorSize::new(300, 300), 1.0), EditorSize::new(300, 150));
    }

    #[test]
    fn a_kept_proportion_ends_at_the_first_limit() {
        for fit in [nearest, within] {
            assert_eq!(fit(&KEPT, EditorSize::new(9999, 9999), 1.0), EditorSize::new(400, 200));
            assert_eq!(fit(&KEPT, EditorSize::new(1, 1), 2.0), EditorSize::new(200, 100));
        }
        let flat = EditorDesc { min: EditorSize::new(100, 80), ..KEPT };
        assert_eq!(
            nearest(&flat, EditorSize::new(1, 1), 1.0),
            EditorSize::new(160, 80),
            "never below either"
        );
        // Limits that leave nothing: no window is too small for what is in it.
        let none = EditorDesc { min: EditorSize::new(500, 50), ..KEPT };
        assert_eq!(nearest(&none, EditorSize::new(1, 1), 1.0), EditorSize::new(500, 250));
    }

    #[test]
    fn every_size_becomes_the_nearest_one_of_its_proportion_and_stays_there() {
        let odd = EditorDesc { size: EditorSize::new(321, 161), ..KEPT };
        for scale in [0.75, 1.0, 1.25, 1.5, 2.0] {
            let (min, max) = (odd.min.scaled(scale), odd.max.scaled(scale));
            for (width, height) in
                (1..900).step_by(13).flat_map(|w| (1..900).step_by(17).map(move |h| (w, h)))
            {
                let wanted = EditorSize::new(width, height);
                let found = nearest(&odd, wanted, scale);
                assert_eq!(nearest(&odd, found, scale), found, "a host that asks again is not led on");
                assert!(is_in_proportion(found, odd.size), "{wanted:?} at {scale}: {found:?}");
                let is_inside = (min.width..=max.width).contains(&found.width)
                    && (min.height..=max.height).contains(&found.height);
                assert!(is_inside, "{wanted:?} at {scale}: {found:?}");
                let into = within(&odd, wanted, scale);
                assert!(into.width <= width.max(found.width) && into.height <= height.max(found.height));
            }
        }
        // The nearest by trying them all.
        let far = |a: EditorSize, b: EditorSize| {
            u64::from(a.width.abs_diff(b.width)).pow(2) + u64::from(a.height.abs_diff(b.height)).pow(2)
        };
        for wanted in [(300, 99), (120, 300), (399, 201), (150, 90)].map(|(w, h)| EditorSize::new(w, h)) {
            let sizes = (50..=200).map(|height| EditorSize::new(2 * height, height));
            let best = sizes.map(|size| far(size, wanted)).min().unwrap_or(u64::MAX);
            assert!(far(nearest(&KEPT, wanted, 1.0), wanted) <= best + 2, "{wanted:?}");
        }
    }
}
