//! Bounds of the figures, and whether they hold.

use crate::bench::table::Row;

/// What a figure of ours must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bound {
    /// Shown, not judged.
    None,
    /// At most this.
    AtMost(f64),
    /// At most this part of the original's.
    OfOriginal(f64),
    /// At most this part of the original's, or, where starting the programs alone takes longer than that, no more than
    /// that: the second figure is what a loop needs that does nothing but start them, measured in the same run.
    OfOriginalOrLoop(f64, f64),
    /// At least the original's, less what two runs of one and the same program differ by on a shared machine.
    NoSlower,
}

/// Difference of two runs of the same that means nothing.
const NOISE: f64 = 0.05;

/// A figure of both sides with its bound.
#[derive(Debug)]
pub(super) struct Shown {
    what: String,
    unit: &'static str,
    original: f64,
    pistack: f64,
    more_is_better: bool,
    bound: Bound,
}

impl Shown {
    /// Figures of the original and of ours.
    pub(super) fn new(
        what: impl Into<String>,
        unit: &'static str,
        [original, pistack]: [f64; 2],
        bound: Bound,
    ) -> Self {
        let shown = Self {
            what: what.into(),
            unit,
            original,
            pistack,
            more_is_better: false,
            bound,
        };
        println!("  {}: {original:.3} and {pistack:.3} {unit}", shown.what);
        shown
    }

    /// More is better: a rate.
    pub(super) fn more_is_better(mut self) -> Self {
        self.more_is_better = true;
        self
    }

    /// The row of the table of ratios.
    pub(super) fn row(&self) -> Row {
        Row {
            what: self.what.clone(),
            original: self.original,
            pistack: self.pistack,
            unit: self.unit,
            more_is_better: self.more_is_better,
        }
    }

    /// Whether the bound holds.
    pub(super) fn holds(&self) -> bool {
        match self.bound {
            Bound::None => true,
            Bound::AtMost(most) => self.pistack <= most,
            Bound::OfOriginal(part) => self.pistack <= self.original * part,
            Bound::OfOriginalOrLoop(part, bare) => self.pistack <= (self.original * part).max(bare),
            Bound::NoSlower => self.pistack >= self.original * (1.0 - NOISE),
        }
    }

    fn bound_text(&self) -> String {
        match self.bound {
            Bound::None => String::new(),
            Bound::AtMost(most) => format!("≤ {most} {}", self.unit),
            Bound::OfOriginal(part) => format!("≤ {part} of the original"),
            Bound::OfOriginalOrLoop(part, bare) => format!(
                "≤ {part} of the original, or {bare:.2} {} that a bare loop of posix_spawn takes",
                self.unit
            ),
            Bound::NoSlower => "no slower than the original".to_owned(),
        }
    }
}

/// What is bounded, and whether it holds.
pub(super) fn markdown(shown: &[Shown]) -> String {
    let mut text = String::from("| what | bound | measured | holds |\n|---|---|---:|---|\n");
    for shown in shown.iter().filter(|shown| shown.bound != Bound::None) {
        let measured = match shown.bound {
            Bound::AtMost(_) | Bound::None => format!("{:.2} {}", shown.pistack, shown.unit),
            Bound::OfOriginalOrLoop(..) => format!(
                "{:.3} of the original, {:.2} {}",
                shown.pistack / shown.original,
                shown.pistack,
                shown.unit
            ),
            Bound::OfOriginal(_) | Bound::NoSlower => {
                format!("{:.3} of the original", shown.pistack / shown.original)
            }
        };
        text.push_str(&format!(
            "| {} | {} | {measured} | {} |\n",
            shown.what,
            shown.bound_text(),
            if shown.holds() { "yes" } else { "NO" }
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_or_not() {
        let holds = |figures, bound| Shown::new("x", "", figures, bound).holds();
        assert!(holds([18.0, 0.0], Bound::AtMost(0.0)));
        assert!(!holds([18.0, 1.0], Bound::AtMost(0.0)));
        assert!(holds([10.0, 1.0], Bound::OfOriginal(0.1)));
        assert!(!holds([10.0, 1.1], Bound::OfOriginal(0.1)));
        assert!(holds([10.0, 1.1], Bound::OfOriginalOrLoop(0.1, 1.2)));
        assert!(holds([10.0, 0.9], Bound::OfOriginalOrLoop(0.1, 0.2)));
        assert!(!holds([10.0, 1.3], Bound::OfOriginalOrLoop(0.1, 1.2)));
        assert!(holds([100.0, 96.0], Bound::NoSlower));
        assert!(!holds([100.0, 90.0], Bound::NoSlower));
        assert!(holds([1.0, 9.0], Bound::None));
    }

    #[test]
    fn the_table_names_what_is_missed() {
        let missed = Shown::new("memory", "MB", [30.0, 5.0], Bound::AtMost(4.0));
        assert!(markdown(&[missed]).ends_with("| memory | ≤ 4 MB | 5.00 MB | NO |\n"));
    }
}
