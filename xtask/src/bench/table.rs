//! Medians and the Markdown table that README quotes.

/// The middle one; of two middles the mean. 0 of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// One row: the original's figure, ours, and how to read the ratio.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) original: f64,
    pub(crate) pistack: f64,
    pub(crate) unit: &'static str,
    /// True when more is better.
    pub(crate) more_is_better: bool,
}

impl Row {
    fn ratio(&self) -> f64 {
        if self.more_is_better {
            self.pistack / self.original
        } else {
            self.original / self.pistack
        }
    }
}

/// A Markdown table with a column of ratios, always "how many times better".
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = String::from("| what | original | pistack | better by |\n|---|---:|---:|---:|\n");
    for row in rows {
        let ratio = if row.original > 0.0 && row.ratio().is_finite() {
            format!("{:.1} ×", row.ratio())
        } else {
            "–".to_owned()
        };
        text.push_str(&format!(
            "| {} | {} | {} | {ratio} |\n",
            row.what,
            figure(row.original, row.unit),
            figure(row.pistack, row.unit)
        ));
    }
    text
}

fn figure(value: f64, unit: &str) -> String {
    if value >= 100.0 {
        format!("{value:.0} {unit}")
    } else {
        format!("{value:.2} {unit}")
    }
}
