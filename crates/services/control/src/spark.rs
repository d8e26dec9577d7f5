//! Lines of figures as drawings: an SVG path computed here, so that a page needs no script to show it.

/// Width of the drawing in its own units.
const WIDTH: usize = 118;
/// Height of the drawing in its own units.
const HEIGHT: f64 = 30.0;

/// A small line without axes, for a row of a table; 120 by 32 units with a margin of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Spark {
    /// For `d` of a `path`: numbers and letters alone. Empty where there is nothing to draw.
    pub(crate) path: String,
}

impl Spark {
    /// Of points from old to new, between nothing and the largest, but at least `least` high, so that noise stays
    /// small. A missing point is a gap.
    pub(crate) fn new(points: &[Option<f32>], least: f32) -> Self {
        let top = points.iter().flatten().copied().fold(least, f32::max);
        let steps = points.len().saturating_sub(1).max(1);
        let mut path = String::new();
        let mut drawing = false;
        // Where the last stroke began, how high, and whether it is level: one level stroke does for many.
        let (mut begun, mut height, mut level) = (0, 0, false);
        for (at, point) in points.iter().enumerate() {
            let Some(value) = point.filter(|value| value.is_finite()) else {
                drawing = false;
                continue;
            };
            let across = 1 + at * WIDTH / steps;
            let share = f64::from(value / top).clamp(0.0, 1.0);
            let down = 1 + (HEIGHT * (1.0 - share)).round() as i32;
            level = level && drawing && down == height;
            if level {
                path.truncate(begun);
            } else {
                begun = path.len();
            }
            path += &format!("{}{across} {down}", if drawing { 'L' } else { 'M' });
            level = drawing && down == height;
            (drawing, height) = (true, down);
        }
        Self { path }
    }

    /// Smallest, largest and newest of what there is.
    pub(crate) fn range(points: &[Option<f32>]) -> Option<(f32, f32, f32)> {
        let known = || points.iter().flatten().copied().filter(|value| value.is_finite());
        let newest = known().next_back()?;
        Some((
            known().fold(f32::INFINITY, f32::min),
            known().fold(f32::NEG_INFINITY, f32::max),
            newest,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_become_a_path_with_gaps() {
        let spark = Spark::new(&[Some(0.0), Some(50.0), None, Some(100.0)], 1.0);
        assert_eq!(spark.path, "M1 31L40 16M119 1");
        assert_eq!(Spark::new(&[], 1.0).path, "");
        assert_eq!(Spark::new(&[None, Some(f32::NAN)], 1.0).path, "");
        let level = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0].map(Some);
        assert_eq!(Spark::new(&level, 1.0).path, "M1 31L40 31L60 1L99 1L119 31");
        // one point, and less than the least height
        assert_eq!(Spark::new(&[Some(1.0)], 10.0).path, "M1 28");
    }

    #[test]
    fn a_range_is_of_what_there_is() {
        assert_eq!(Spark::range(&[Some(2.0), None, Some(1.0)]), Some((1.0, 2.0, 1.0)));
        assert_eq!(Spark::range(&[None]), None);
    }
}
