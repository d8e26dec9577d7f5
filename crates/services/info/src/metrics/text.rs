//! Prometheus' text format: families of samples, each with its help and type before it.

use std::fmt::Write as _;

/// A text under way.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

impl Text {
    /// Begins a family; its samples follow.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A sample of the family.
    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            self.0.push(if index == 0 { '{' } else { ',' });
            let _ = write!(self.0, "{label}=\"");
            for c in text.chars() {
                match c {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    c => self.0.push(c),
                }
            }
            self.0.push('"');
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        if value.is_finite() {
            let _ = writeln!(self.0, " {value}");
        } else {
            self.0.push_str(" NaN\n");
        }
    }

    /// A family of one sample, left out where there is no value.
    pub(crate) fn single(&mut self, name: &str, kind: &str, help: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.family(name, kind, help);
            self.sample(name, &[], value);
        }
    }

    /// A family of samples, each with one label; left out where there are none.
    pub(crate) fn labelled<'a>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        samples: impl IntoIterator<Item = (&'a str, Option<f64>)>,
    ) {
        let mut begun = false;
        for (text, value) in samples {
            let Some(value) = value else { continue };
            if !std::mem::replace(&mut begun, true) {
                self.family(name, kind, help);
            }
            self.sample(name, &[(label, text)], value);
        }
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::strict::parse;
    use super::*;

    #[test]
    fn every_label_and_number_can_be_read_back() {
        let mut text = Text::default();
        text.single("a_bytes", "gauge", "With \\ and \n in it.", Some(1e21));
        text.single("none", "gauge", "Nothing.", None);
        text.labelled(
            "b_total",
            "counter",
            "B.",
            "name",
            [("x\"\\\ny", Some(0.5)), ("z", None)],
        );
        text.family("c", "gauge", "C.");
        text.sample("c", &[("one", "1"), ("two", "2")], f64::NAN);
        let text = text.finish();
        let read = parse(&text).unwrap();
        assert_eq!(read.len(), 3, "{text}");
        assert!((read[0].value / 1e21 - 1.0).abs() < 1e-9);
        assert_eq!(read[1].labels, [("name".to_owned(), "x\"\\\ny".to_owned())]);
        assert!(read[2].value.is_nan());
        assert!(!text.contains("none"));
    }
}
