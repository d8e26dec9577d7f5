//! HTML by hand: the frame that all pages have, and the escape that everything from outside goes through.

use std::fmt::{self, Display, Write as _};

/// A text for HTML, in elements and in quoted attributes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                _ => out.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// A whole page. `title` is escaped here, `body` is HTML.
pub(super) fn frame(title: &str, body: &str, footer: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <link rel=\"icon\" href=\"pages/icon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"pages/style.css\">\n</head>\n<body>\n\
         <header><img src=\"pages/icon.svg\" alt=\"\" width=\"28\" height=\"28\"><h1>{title}</h1></header>\n\
         <main>\n{body}</main>\n<footer>{footer}</footer>\n</body>\n</html>\n",
        title = Escaped(title),
        footer = Escaped(footer),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_place() {
        let page = frame("<script>\"&'", "<p>kept</p>", "</footer>");
        assert!(
            page.contains("<title>&lt;script&gt;&quot;&amp;&#39;</title>"),
            "{page}"
        );
        assert!(page.contains("<p>kept</p>") && page.contains("<footer>&lt;/footer&gt;</footer>"));
        assert!(!page.contains("<script>"));
    }
}
