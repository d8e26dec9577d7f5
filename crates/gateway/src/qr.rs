//! An address as a QR code: for the terminal, and for a page.

use std::fmt::Write as _;

use qrcode::{Color, QrCode};

/// Light modules around the code (ISO/IEC 18004 asks for four).
const MARGIN: usize = 4;

/// For a terminal: two rows of modules a line, light on dark. `None` for a text that is too long for a code.
pub fn terminal(text: &str) -> Option<String> {
    let modules = Modules::of(text)?;
    let mut out = String::new();
    for y in (0..modules.size()).step_by(2) {
        for x in 0..modules.size() {
            // A terminal is dark far more often than not, so light modules are drawn.
            out.push(match (modules.dark(x, y), modules.dark(x, y + 1)) {
                (false, false) => '█',
                (false, true) => '▀',
                (true, false) => '▄',
                (true, true) => ' ',
            });
        }
        out.push('\n');
    }
    Some(out)
}

/// For a page: an SVG element.
pub(crate) fn svg(text: &str) -> Option<String> {
    let modules = Modules::of(text)?;
    let size = modules.size();
    let mut path = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| modules.dark(*x, y)) {
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    Some(format!(
        "<svg viewBox=\"0 0 {size} {size}\" role=\"img\" aria-label=\"QR code of this page's address\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

struct Modules {
    colors: Vec<Color>,
    width: usize,
}

impl Modules {
    fn of(text: &str) -> Option<Self> {
        let code = QrCode::new(text.as_bytes()).ok()?;
        Some(Self {
            width: code.width(),
            colors: code.to_colors(),
        })
    }

    fn size(&self) -> usize {
        self.width + 2 * MARGIN
    }

    fn dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(MARGIN).filter(|at| *at < self.width);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => self.colors[y * self.width + x] == Color::Dark,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_show_the_same_code() {
        let text = "http://192.168.1.7/ca/";
        let shown = terminal(text).unwrap();
        let lines: Vec<Vec<char>> = shown.lines().map(|line| line.chars().collect()).collect();
        assert!(lines.iter().all(|line| line.len() == lines[0].len()), "a square");
        assert!(lines[0].iter().all(|cell| *cell == '█'), "the margin is light");
        let dark: usize = lines
            .iter()
            .flatten()
            .map(|cell| match cell {
                '█' => 0,
                '▀' | '▄' => 1,
                _ => 2,
            })
            .sum();
        // The last line's lower half may lie outside of the code, where nothing is dark.
        assert_eq!(svg(text).unwrap().matches("h1v1").count(), dark);
        assert!(terminal(&"x".repeat(10_000)).is_none());
    }
}
