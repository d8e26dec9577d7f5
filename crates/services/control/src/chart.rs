//! A figure over time without JavaScript: a drawing made here, a summary in words, and a table. Where there is
//! JavaScript, `charts.js` draws the same numbers with uPlot.

use std::fmt::Write as _;

use crate::moment::Moment;
use crate::words::{Lang, Words};

/// Width and height of the drawing.
pub(crate) const SIZE: (f64, f64) = (600.0, 150.0);
/// Points of the drawing at most; more are not seen at its width.
const POINTS: usize = 300;
/// Rows of the table.
const ROWS: usize = 24;

/// How a figure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Percent,
    Celsius,
    Number,
    /// Bytes a second.
    Rate,
}

impl Unit {
    /// For the script.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::Celsius => "celsius",
            Self::Number => "number",
            Self::Rate => "rate",
        }
    }

    /// A value as the language writes it.
    pub(crate) fn write(self, value: f64, lang: Lang) -> String {
        match self {
            Self::Percent => lang.percent(value),
            Self::Celsius => lang.celsius(value),
            Self::Number => lang.number(value, 2),
            Self::Rate => format!("{}/s", lang.bytes(value.max(0.0) as u64)),
        }
    }
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// In the answer of the info service.
    pub(crate) metric: &'static str,
    pub(crate) name: &'static str,
    /// Of the drawing.
    pub(crate) path: String,
    /// What there was in words; empty where there was nothing.
    pub(crate) summary: String,
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chart {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) unit: Unit,
    pub(crate) series: Vec<Series>,
    /// At the top and the bottom of the drawing.
    pub(crate) top: String,
    pub(crate) bottom: String,
    /// When, and each series' mean in that time.
    pub(crate) rows: Vec<(Moment, Vec<String>)>,
}

impl Chart {
    /// Whether there is anything to draw.
    pub(crate) fn is_empty(&self) -> bool {
        self.series.iter().all(|series| series.path.is_empty())
    }

    /// The metrics, for the script.
    pub(crate) fn metrics(&self) -> String {
        let metrics: Vec<_> = self.series.iter().map(|series| series.metric).collect();
        metrics.join(" ")
    }

    /// The names, for the script.
    pub(crate) fn names(&self) -> String {
        let names: Vec<_> = self.series.iter().map(|series| series.name).collect();
        names.join("|")
    }
}

/// Values over time; what is not known has no value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Values<'a> {
    pub(crate) from: i64,
    pub(crate) step_s: i64,
    pub(crate) points: &'a [Option<f64>],
}

/// Draws a chart of one or two series: metric, name, values.
pub(crate) fn chart(
    id: &'static str,
    title: &'static str,
    unit: Unit,
    series: &[(&'static str, &'static str, Values<'_>)],
    t: &Words,
) -> Chart {
    let lang = t.lang();
    let known = || {
        series
            .iter()
            .flat_map(|(.., values)| values.points.iter().flatten())
    };
    let (low, high) = bounds(unit, known().copied());
    let drawn = series.iter().map(|(metric, name, values)| Series {
        metric,
        name,
        path: path(values.points, low, high),
        summary: summary(unit, values.points, t),
    });
    Chart {
        id,
        title,
        unit,
        series: drawn.collect(),
        top: unit.write(high, lang),
        bottom: unit.write(low, lang),
        rows: rows(unit, series, lang),
    }
}

/// Bottom and top of the drawing. Shares always have the same; others begin at zero and leave some air.
fn bounds(unit: Unit, values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.is_finite()) {
        low = low.min(value);
        high = high.max(value);
    }
    match unit {
        Unit::Percent => (0.0, 100.0),
        Unit::Celsius if high >= low => ((low - 5.0).floor().min(30.0), (high + 5.0).ceil().max(60.0)),
        Unit::Celsius => (30.0, 60.0),
        Unit::Number => (0.0, if high > 0.5 { high * 1.1 } else { 1.0 }),
        Unit::Rate => (0.0, if high > 500.0 { high * 1.1 } else { 1000.0 }),
    }
}

/// Means of so many equal parts; a part without a value is none.
fn parts(points: &[Option<f64>], count: usize) -> Vec<Option<f64>> {
    let count = count.min(points.len());
    (0..count)
        .map(|part| {
            let of = |part: usize| part * points.len() / count;
            let (sum, known) = points
                .get(of(part)..of(part + 1))
                .unwrap_or_default()
                .iter()
                .flatten()
                .filter(|value| value.is_finite())
                .fold((0.0, 0_u32), |(sum, known), value| (sum + value, known + 1));
            (known > 0).then(|| sum / f64::from(known))
        })
        .collect()
}

/// The line of an SVG path, with a gap wherever something is not known.
fn path(points: &[Option<f64>], low: f64, high: f64) -> String {
    let parts = parts(points, POINTS);
    let (width, height) = SIZE;
    let step = width / (parts.len().max(2) - 1) as f64;
    let mut text = String::new();
    let mut pen_up = true;
    for (at, value) in parts.iter().enumerate() {
        let Some(value) = value else {
            pen_up = true;
            continue;
        };
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        let (x, y) = (at as f64 * step, (1.0 - share) * height);
        let _ = write!(text, "{}{x:.1} {y:.1}", if pen_up { 'M' } else { 'L' });
        // A single point between gaps is still seen.
        if pen_up {
            let _ = write!(text, "h0.01");
        }
        pen_up = false;
    }
    text
}

fn summary(unit: Unit, points: &[Option<f64>], t: &Words) -> String {
    let known: Vec<_> = points
        .iter()
        .flatten()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    let Some(last) = known.last() else {
        return String::new();
    };
    let write = |value| unit.write(value, t.lang());
    let low = known.iter().copied().fold(f64::INFINITY, f64::min);
    let high = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    t.chart_summary(write(*last), write(mean), write(low), write(high))
}

fn rows(
    unit: Unit,
    series: &[(&'static str, &'static str, Values<'_>)],
    lang: Lang,
) -> Vec<(Moment, Vec<String>)> {
    let Some((.., first)) = series.first() else {
        return Vec::new();
    };
    let count = ROWS.min(first.points.len());
    let columns: Vec<_> = series
        .iter()
        .map(|(.., values)| parts(values.points, count))
        .collect();
    (0..count)
        .rev()
        .map(|row| {
            let at = first.from + first.step_s * (row * first.points.len() / count) as i64;
            let cells = columns.iter().map(|column| {
                let value = column.get(row).copied().flatten();
                value.map_or_else(|| "–".to_owned(), |value| unit.write(value, lang))
            });
            (Moment::at(at, lang), cells.collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(points: &[Option<f64>]) -> Values<'_> {
        Values {
            from: 1_700_000_000,
            step_s: 60,
            points,
        }
    }

    #[test]
    fn gaps_are_gaps_and_one_point_is_seen() {
        let points = [Some(0.0), None, Some(50.0), Some(100.0)];
        assert_eq!(
            path(&points, 0.0, 100.0),
            "M0.0 150.0h0.01M400.0 75.0h0.01L600.0 0.0"
        );
        assert_eq!(path(&[], 0.0, 1.0), "");
        assert_eq!(path(&[None, Some(f64::NAN)], 0.0, 1.0), "");
    }

    #[test]
    fn many_points_become_few_and_keep_their_mean() {
        let points: Vec<_> = (0..1800).map(|at| Some(f64::from(at % 2))).collect();
        let parts = parts(&points, POINTS);
        assert_eq!(parts.len(), POINTS);
        assert!(
            parts
                .iter()
                .all(|part| part.is_some_and(|mean| (mean - 0.5).abs() < 1e-9))
        );
    }

    #[test]
    fn a_chart_has_words_and_a_table_in_the_language() {
        let points = [Some(10.0), Some(20.5), None];
        let t = Lang::Polish.words();
        let chart = chart("cpu", "CPU", Unit::Percent, &[("cpu", "CPU", values(&points))], t);
        assert!(!chart.is_empty());
        assert_eq!((chart.top.as_str(), chart.bottom.as_str()), ("100%", "0%"));
        assert!(chart.series[0].summary.contains("20%") || chart.series[0].summary.contains("21%"));
        assert_eq!(chart.rows.len(), 3);
        assert_eq!(chart.rows[0].1, ["–"], "the newest first");
        assert_eq!(chart.rows[2].0.iso, "2023-11-14T22:13:20Z");
        let nothing = super::chart("x", "x", Unit::Rate, &[("x", "x", values(&[None, None]))], t);
        assert!(nothing.is_empty() && nothing.series[0].summary.is_empty());
    }
}
