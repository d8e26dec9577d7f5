//! Joining another service's text: a family may stand in the whole only once, and a broken line would make the whole
//! answer unreadable for Prometheus, so that what is neither is left out.

use std::collections::HashSet;

/// Adds the families of `other` that are not there yet.
pub(super) fn append(whole: &mut String, other: &str) {
    let known: HashSet<String> = whole
        .lines()
        .filter_map(family_of_type)
        .map(str::to_owned)
        .collect();
    // Lines before the first family of a text have none, and are left out.
    let mut takes = false;
    for line in other.lines() {
        if let Some(family) = family_of_type(line).or_else(|| family_of_help(line)) {
            takes = !known.contains(family);
        }
        if takes && is_line(line) {
            whole.push_str(line);
            whole.push('\n');
        }
    }
}

fn family_of_type(line: &str) -> Option<&str> {
    line.strip_prefix("# TYPE ")?.split(' ').next()
}

fn family_of_help(line: &str) -> Option<&str> {
    line.strip_prefix("# HELP ")?.split(' ').next()
}

/// A comment, or a name, maybe labels, and a number.
fn is_line(line: &str) -> bool {
    if line.starts_with("# HELP ") || line.starts_with("# TYPE ") {
        return true;
    }
    let Some((series, value)) = line.rsplit_once(' ') else {
        return false;
    };
    let name = series.split('{').next().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let labels_end = series.contains('{') == series.ends_with('}');
    !name.is_empty()
        && name.chars().all(is_name)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && labels_end
        && value.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::strict::parse;
    use super::*;

    #[test]
    fn families_stand_once_and_nonsense_is_left_out() {
        let mut whole = "# HELP a A.\n# TYPE a gauge\na 1\n".to_owned();
        append(
            &mut whole,
            "stray 5\n# HELP a Again.\n# TYPE a gauge\na 2\n# HELP b_total B.\n# TYPE b_total counter\nb_total{x=\"1 2\"} 3\n\nb broken\n<html>\n",
        );
        assert_eq!(
            whole,
            "# HELP a A.\n# TYPE a gauge\na 1\n# HELP b_total B.\n# TYPE b_total counter\nb_total{x=\"1 2\"} 3\n"
        );
        assert_eq!(parse(&whole).unwrap().len(), 2);
    }
}
