//! `[include]`: one level of further files.

use super::{Document, Front, IniError, Names, Options, Path, Setting, Warning, normalise};
use crate::config::model::Origin;
use crate::config::options::Reader;
use crate::config::surroundings::Included;

impl Front<'_> {
    /// The file's sections, and those of the files that it includes.
    pub(super) fn document(&mut self, here: &str) -> Document {
        let mut document = Document::default();
        self.read(&mut document, self.request.file, self.request.text);
        let Some(options) = document.options("include") else {
            return document;
        };
        self.includes = true;
        document.replace_here(here);
        for pattern in self.patterns(&options, here) {
            let path = Path::new(here).join(&pattern);
            let mut files = self.request.around.outside.glob(&path);
            files.sort_by(|one, other| one.path.cmp(&other.path));
            if files.is_empty() {
                let message = format!("No file matches via include \"{}\"", path.display());
                self.warnings.push(Warning {
                    origin: options.origin_of("files"),
                    message,
                });
            }
            for file in files {
                self.file(&mut document, file, &options);
            }
        }
        document
    }

    fn patterns(&mut self, options: &Options, here: &str) -> Vec<String> {
        if options.get("files").is_none() {
            self.errors.push(IniError {
                origin: options.origin.clone(),
                section: Some("include".to_owned()),
                key: None,
                text: String::new(),
                message: ".ini file has [include] section, but no files setting".to_owned(),
                help: Some("add `files=` with patterns, or take the section away".to_owned()),
            });
            return Vec::new();
        }
        let mut names: Names = self.names.clone();
        names.set("here", here);
        names.set("host_node_name", self.request.around.host);
        let mut reader = Reader::new(options, "include", names, self.request.around);
        let files = reader.text("files").unwrap_or_default();
        self.take("include", reader);
        files.split_whitespace().map(str::to_owned).collect()
    }

    fn file(&mut self, document: &mut Document, file: Included, include: &Options) {
        let text = match file.text {
            Ok(text) => text,
            Err(why) => {
                // supervisord leaves out what it cannot open.
                let message = format!("cannot read {}: {why}; it is left out", file.path.display());
                self.warnings.push(Warning {
                    origin: include.origin_of("files"),
                    message,
                });
                return;
            }
        };
        let before = document.own_options("include").cloned();
        self.read(document, &file.path, &text);
        if let Some(origin) = changed(before.as_ref(), document.own_options("include"), &file.path) {
            let message = "[include] in an included file does nothing".to_owned();
            self.warnings.push(Warning { origin, message });
        }
        let path = normalise(&self.request.around.cwd.join(&file.path));
        document.replace_here(&path.parent().unwrap_or(Path::new("/")).display().to_string());
    }

    fn read(&mut self, document: &mut Document, file: &Path, text: &str) {
        if let Err(errors) = document.read(file, text) {
            self.errors.extend(errors.into_iter().map(IniError::from));
        }
    }
}

/// Where a file wrote into `[include]`.
fn changed(before: Option<&Options>, after: Option<&Options>, file: &Path) -> Option<Origin> {
    if before == after {
        return None;
    }
    let mut settings = after?.iter().map(|(_, setting)| setting);
    settings
        .find(|setting: &&Setting| setting.origin.file == file)
        .map(|setting| setting.origin.clone())
}
