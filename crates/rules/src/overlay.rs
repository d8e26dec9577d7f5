//! `pistack.d/90-ui.toml`: the one file that the dashboard and `pistack rules enable|disable` write. The person's own
//! files are never touched, and comments in this one stay.

use std::io;
use std::path::{Path, PathBuf};

use pistack_kit::paths::write_atomic;
use toml_edit::{Array, DocumentMut, Item, Table, value};

/// The overlay of one configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    path: PathBuf,
}

/// The overlay cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    /// It is no TOML; somebody wrote it by hand.
    #[error("{path} is no TOML: {reason}. Mend it, or remove it")]
    Broken {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The text given is no rule.
    #[error("this is no rule: {0}")]
    Text(String),
    /// It cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}

/// Written at the top of a new overlay.
const HEAD: &str =
    "# Written by pistack (dashboard, `pistack rules enable|disable`). Your own files are never changed.\n";

impl Overlay {
    /// The overlay that belongs to a `pistack.toml`.
    pub fn beside(main: &Path) -> Self {
        Self {
            path: main.with_file_name("pistack.d").join("90-ui.toml"),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text as it is; `None` without a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn text(&self) -> Result<Option<String>, OverlayError> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.file_error(&error)),
        }
    }

    /// Puts a text back, as [`Overlay::text`] gave it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn restore(&self, text: Option<&str>) -> Result<(), OverlayError> {
        match text {
            Some(text) => self.write(text),
            None => match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.file_error(&error)),
                _ => Ok(()),
            },
        }
    }

    /// Switches a rule on or off by `[rules] disabled`, wherever the rule itself is written.
    ///
    /// # Errors
    /// When the overlay is broken or cannot be written.
    pub fn switch(&self, rule: &str, on: bool) -> Result<(), OverlayError> {
        let text = self.switched(rule, on)?;
        self.restore(Some(&text))
    }

    /// What the overlay would hold after [`Overlay::switch`].
    ///
    /// # Errors
    /// When the overlay is broken or cannot be read.
    pub fn switched(&self, rule: &str, on: bool) -> Result<String, OverlayError> {
        self.changed(|document| set_disabled(document, rule, !on))
    }

    /// Writes a rule: `text` is what stands below its `[rule.NAME]`.
    ///
    /// # Errors
    /// When the text is no TOML, or the overlay is broken or cannot be written. Whether it is a right rule shows when
    /// the configuration is read.
    pub fn put(&self, rule: &str, text: &str) -> Result<(), OverlayError> {
        let text = self.with(rule, text)?;
        self.restore(Some(&text))
    }

    /// What the overlay would hold after [`Overlay::put`].
    ///
    /// # Errors
    /// When the text is no TOML, or the overlay is broken or cannot be read.
    pub fn with(&self, rule: &str, text: &str) -> Result<String, OverlayError> {
        let fragment: DocumentMut = text
            .parse()
            .map_err(|error: toml_edit::TomlError| OverlayError::Text(error.message().to_owned()))?;
        let mut table = fragment.as_table().clone();
        table.set_implicit(false);
        forget_positions(&mut table);
        if let Some(trailing) = fragment.trailing().as_str() {
            keep_trailing(&mut table, trailing);
        }
        self.changed(|document| {
            let rules = document
                .entry("rule")
                .or_insert_with(|| {
                    let mut table = Table::new();
                    table.set_implicit(true);
                    Item::Table(table)
                })
                .as_table_mut()?;
            if let Some(before) = rules.get(rule).and_then(Item::as_table) {
                *table.decor_mut() = before.decor().clone();
                table.set_position(before.position());
            }
            rules.insert(rule, Item::Table(table));
            Some(())
        })
    }

    /// Removes a rule that stands here, and its mark that it is switched off; false if it does not stand here.
    ///
    /// # Errors
    /// When the overlay is broken or cannot be written.
    pub fn remove(&self, rule: &str) -> Result<bool, OverlayError> {
        let there = self.stands_here(rule)?;
        let text = self.without(rule)?;
        self.restore(Some(&text))?;
        Ok(there)
    }

    /// What the overlay would hold after [`Overlay::remove`].
    ///
    /// # Errors
    /// When the overlay is broken or cannot be read.
    pub fn without(&self, rule: &str) -> Result<String, OverlayError> {
        self.changed(|document| {
            if let Some(rules) = document.get_mut("rule").and_then(Item::as_table_mut) {
                rules.remove(rule);
            }
            if document.contains_key("rules") {
                set_disabled(document, rule, false)?;
            }
            Some(())
        })
    }

    /// The text below `[rule.NAME]`, if the rule stands here.
    ///
    /// # Errors
    /// When the overlay is broken or cannot be read.
    pub fn rule(&self, rule: &str) -> Result<Option<String>, OverlayError> {
        let text = self.text()?.unwrap_or_default();
        rule_text(&text, rule).map_err(|reason| self.broken(reason))
    }

    /// Whether the rule stands here.
    ///
    /// # Errors
    /// When the overlay is broken or cannot be read.
    pub fn stands_here(&self, rule: &str) -> Result<bool, OverlayError> {
        Ok(self.rule(rule)?.is_some())
    }

    fn broken(&self, reason: String) -> OverlayError {
        OverlayError::Broken {
            path: self.path.display().to_string(),
            reason,
        }
    }

    fn changed(&self, edit: impl FnOnce(&mut DocumentMut) -> Option<()>) -> Result<String, OverlayError> {
        let text = self.text()?;
        let head = if text.is_none() { HEAD } else { "" };
        let mut document: DocumentMut = text
            .unwrap_or_default()
            .parse()
            .map_err(|error: toml_edit::TomlError| self.broken(error.message().to_owned()))?;
        edit(&mut document).ok_or_else(|| self.broken("`rules` or `rule` is no table there".to_owned()))?;
        Ok(format!("{head}{document}"))
    }

    fn write(&self, text: &str) -> Result<(), OverlayError> {
        if let Some(directory) = self.path.parent() {
            std::fs::create_dir_all(directory).map_err(|error| self.file_error(&error))?;
        }
        write_atomic(&self.path, text.as_bytes(), 0o644).map_err(|error| OverlayError::File {
            path: self.path.display().to_string(),
            reason: error.to_string(),
        })
    }

    fn file_error(&self, error: &io::Error) -> OverlayError {
        OverlayError::File {
            path: self.path.display().to_string(),
            reason: error.to_string(),
        }
    }
}

/// Puts a rule on the list `[rules] disabled`, or takes it off.
fn set_disabled(document: &mut DocumentMut, rule: &str, off: bool) -> Option<()> {
    let rules = document
        .entry("rules")
        .or_insert_with(|| Item::Table(Table::new()))
        .as_table_like_mut()?;
    let disabled = rules
        .entry("disabled")
        .or_insert_with(|| value(Array::new()))
        .as_array_mut()?;
    disabled.retain(|name| name.as_str() != Some(rule));
    if off {
        disabled.push(rule);
    }
    Some(())
}

/// Tables below this one stand where it stands, whatever the text was that they came from.
fn forget_positions(table: &mut Table) {
    table.set_position(None);
    for (_, item) in table.iter_mut() {
        match item {
            Item::Table(inner) => forget_positions(inner),
            Item::ArrayOfTables(inner) => inner.iter_mut().for_each(forget_positions),
            _ => {}
        }
    }
}

/// A comment below the last key belongs to no key: it goes behind that key's value.
fn keep_trailing(table: &mut Table, trailing: &str) {
    let comment = trailing.trim();
    if !comment.starts_with('#') || comment.contains('\n') {
        return;
    }
    if let Some((_, Item::Value(last))) = table.iter_mut().last()
        && last
            .decor()
            .suffix()
            .is_none_or(|suffix| suffix.as_str().is_none_or(|text| text.trim().is_empty()))
    {
        last.decor_mut().set_suffix(format!(" {comment}"));
    }
}

/// What stands below `[rule.NAME]` in a file's text, with its comments; `None` if the rule is not there.
///
/// # Errors
/// When the text is no TOML.
pub fn rule_text(text: &str, rule: &str) -> Result<Option<String>, String> {
    let document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    let Some(item) = document.get("rule").and_then(|rules| rules.get(rule)) else {
        return Ok(None);
    };
    let mut table = match item {
        Item::Table(table) => table.clone(),
        Item::Value(toml_edit::Value::InlineTable(inline)) => inline.clone().into_table(),
        _ => return Ok(None),
    };
    forget_positions(&mut table);
    let mut alone = DocumentMut::new();
    *alone.as_table_mut() = table;
    alone.as_table_mut().decor_mut().clear();
    Ok(Some(alone.to_string().trim_start_matches('\n').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_and_writes_rules_and_keeps_comments() {
        let directory = tempfile::tempdir().unwrap();
        let overlay = Overlay::beside(&directory.path().join("pistack.toml"));
        assert_eq!(overlay.text().unwrap(), None);
        overlay.switch("a", false).unwrap();
        overlay.switch("a", false).unwrap();
        overlay.switch("b", false).unwrap();
        let text = overlay.text().unwrap().unwrap();
        assert!(text.starts_with("# Written by pistack"), "{text}");
        assert!(text.contains("disabled = [\"a\", \"b\"]"), "{text}");
        std::fs::write(overlay.path(), format!("# mine\n{text}")).unwrap();
        overlay.switch("a", true).unwrap();
        overlay
            .put(
                "c",
                "when = { event = \"crashed\" } # why\nthen = [{ log = \"x\" }]\n",
            )
            .unwrap();
        let text = overlay.text().unwrap().unwrap();
        assert!(text.starts_with("# mine"), "{text}");
        assert!(
            text.contains("disabled = [ \"b\"]") || text.contains("disabled = [\"b\"]"),
            "{text}"
        );
        assert!(text.contains("[rule.c]") && text.contains("# why"), "{text}");
        let read: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(read["rule"]["c"]["then"][0]["log"].as_str(), Some("x"));
        assert!(overlay.remove("c").unwrap());
        assert!(!overlay.remove("c").unwrap());
        assert!(matches!(overlay.put("d", "when = ["), Err(OverlayError::Text(_))));
        overlay.restore(Some("[rules\n")).unwrap();
        assert!(matches!(
            overlay.switch("a", true),
            Err(OverlayError::Broken { .. })
        ));
        overlay.restore(None).unwrap();
        assert!(!overlay.path().exists());
    }
}
