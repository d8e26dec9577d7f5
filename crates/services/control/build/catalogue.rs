//! Turns the Fluent catalogues into Rust: one field a message without places, one method a message with them.
//!
//! What does not fit is an error of the build, with file and message: a message that one language has and
//! another lacks, a place that is named in one language alone, a plural without a form that the language has
//! (CLDR, cardinal numbers), a message written twice, and whatever the syntax itself forbids.
//! The part of Fluent that is understood: text, `{ $name }`, `{ NUMBER($name) }`, `{ "text" }` and selections by
//! the plural form of a number (`one`, `few`, `many`, `other`, or an exact number).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey};

/// Folder below `locales`, variant of `Lang`, and the plural forms that a whole number can have in it.
const LANGUAGES: [(&str, &str, &[&str]); 2] = [
    ("en", "English", &["one", "other"]),
    ("pl", "Polish", &["one", "few", "many"]),
];

/// What goes wrong is said in one sentence and stops the build.
type Outcome<T> = Result<T, String>;

/// A message: the file it stands in, and what it says.
struct Message {
    file: String,
    pattern: Vec<Piece>,
}

/// A part of a message.
enum Piece {
    Text(String),
    Place(String),
    Number(String),
    Plural(String, Vec<(Form, Vec<Piece>)>),
}

/// When a variant is chosen.
enum Form {
    Category(String),
    Exact(i64),
}

/// Reads every language below `locales` and writes the module.
pub(crate) fn write(locales: &Path) -> Outcome<String> {
    let mut all = Vec::new();
    for (code, _, forms) in LANGUAGES {
        all.push(read(&locales.join(code), code, forms)?);
    }
    same_keys(&all)?;
    let mut fields = String::new();
    let mut statics: Vec<_> = LANGUAGES
        .iter()
        .map(|(code, lang, _)| {
            format!(
                "/// The texts of one language.\npub(crate) static {}: Words = Words {{ lang: Lang::{lang},\n",
                code.to_uppercase()
            )
        })
        .collect();
    let mut methods = String::new();
    let mut entries = String::new();
    for key in all[0].keys() {
        let of: Vec<&Message> = all.iter().filter_map(|language| language.get(key)).collect();
        let places = places(key, &of)?;
        let name = key.replace('-', "_");
        let _ = writeln!(
            entries,
            "({name:?}, &{:?}),",
            of.iter().map(|m| plain(&m.pattern)).collect::<Vec<_>>()
        );
        if places.is_empty() {
            let _ = writeln!(fields, "/// `{key}`\npub(crate) {name}: &'static str,");
            for (text, message) in statics.iter_mut().zip(&of) {
                let _ = writeln!(text, "{name}: {:?},", plain(&message.pattern));
            }
        } else {
            methods += &method(key, &name, &places, &of);
        }
    }
    Ok(format!(
        "/// Every text in one language.\n#[derive(Debug)]\npub(crate) struct Words {{ lang: Lang,\n{fields}}}\n\
         {}\n#[expect(clippy::single_match_else, clippy::match_same_arms, reason = \"one form for every text: the build writes it\")]\nimpl Words {{\n{methods}}}\n\
         /// Key, and the text of each language, for the tests of the texts.\n#[cfg(test)]\n\
         pub(crate) const ENTRIES: &[(&str, &[&str])] = &[\n{entries}];\n",
        statics.join("};\n") + "};\n"
    ))
}

/// The messages of one language, by key.
fn read(folder: &Path, code: &str, forms: &[&str]) -> Outcome<BTreeMap<String, Message>> {
    let mut messages: BTreeMap<String, Message> = BTreeMap::new();
    let listing = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> = listing.flatten().map(|entry| entry.path()).collect();
    files.sort();
    for path in files {
        if path.extension().is_none_or(|extension| extension != "ftl") {
            continue;
        }
        let file = format!(
            "{code}/{}",
            path.file_name().unwrap_or_default().to_string_lossy()
        );
        let text = fs::read_to_string(&path).map_err(|error| format!("{file}: {error}"))?;
        let resource = fluent_syntax::parser::parse(text.as_str())
            .map_err(|(_, errors)| format!("locales/{file}: {}", faults(&text, &errors)))?;
        for entry in resource.body {
            let (id, value) = match entry {
                Entry::Message(message) if message.attributes.is_empty() => (message.id.name, message.value),
                Entry::Message(message) => {
                    return Err(format!("locales/{file}: `{}` has attributes", message.id.name));
                }
                Entry::Term(term) => return Err(format!("locales/{file}: `-{}` is a term", term.id.name)),
                Entry::Junk { content } => return Err(format!("locales/{file}: cannot read `{content}`")),
                Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => continue,
            };
            let at = |what: String| format!("locales/{file}: `{id}`: {what}");
            let value = value.ok_or_else(|| at("has no text".into()))?;
            let pattern = pieces(&value, forms).map_err(at)?;
            let message = Message {
                file: file.clone(),
                pattern,
            };
            if let Some(before) = messages.insert(id.to_owned(), message) {
                return Err(format!(
                    "locales/{file}: `{id}` stands in locales/{} too",
                    before.file
                ));
            }
        }
    }
    Ok(messages)
}

/// Errors of the parser with their lines.
fn faults(text: &str, errors: &[fluent_syntax::parser::ParserError]) -> String {
    let line = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    let said: Vec<_> = errors
        .iter()
        .map(|error| format!("line {}: {}", line(error.pos.start), error.kind))
        .collect();
    said.join("; ")
}

/// Every language has the keys of every other.
fn same_keys(all: &[BTreeMap<String, Message>]) -> Outcome<()> {
    for (messages, (_, has, _)) in all.iter().zip(LANGUAGES) {
        for (other, (_, lacks, _)) in all.iter().zip(LANGUAGES) {
            if let Some((key, message)) = messages.iter().find(|(key, _)| !other.contains_key(*key)) {
                return Err(format!(
                    "locales/{}: `{key}` is there in {has} but not in {lacks}",
                    message.file
                ));
            }
        }
    }
    Ok(())
}

fn pieces(pattern: &Pattern<&str>, forms: &[&str]) -> Outcome<Vec<Piece>> {
    let mut pieces = Vec::new();
    for element in &pattern.elements {
        pieces.push(match element {
            PatternElement::TextElement { value } => Piece::Text((*value).to_owned()),
            PatternElement::Placeable { expression } => placed(expression, forms)?,
        });
    }
    Ok(pieces)
}

fn placed(expression: &Expression<&str>, forms: &[&str]) -> Outcome<Piece> {
    match expression {
        Expression::Inline(InlineExpression::Placeable { expression }) => placed(expression, forms),
        Expression::Inline(InlineExpression::VariableReference { id }) => Ok(Piece::Place(id.name.into())),
        Expression::Inline(InlineExpression::StringLiteral { value }) => Ok(Piece::Text(
            fluent_syntax::unicode::unescape_unicode_to_string(value).into_owned(),
        )),
        Expression::Inline(inline) => number(inline).map(Piece::Number),
        Expression::Select { selector, variants } => {
            let name = match selector {
                InlineExpression::VariableReference { id } => id.name.to_owned(),
                other => number(other)?,
            };
            let mut chosen = Vec::new();
            let mut default = None;
            for variant in variants {
                let value = pieces(&variant.value, forms)?;
                let form = match &variant.key {
                    VariantKey::Identifier { name }
                        if forms.contains(name) || (variant.default && *name == "other") =>
                    {
                        Form::Category((*name).to_owned())
                    }
                    VariantKey::Identifier { name } => {
                        return Err(format!("no number has the form `{name}` here"));
                    }
                    VariantKey::NumberLiteral { value } => Form::Exact(
                        value
                            .parse()
                            .map_err(|_| format!("`{value}` is no whole number"))?,
                    ),
                };
                if variant.default {
                    default = Some((form, value));
                } else {
                    chosen.push((form, value));
                }
            }
            let default = default.ok_or("a selection without a default")?;
            chosen.push(default);
            for wanted in forms {
                let is = |form: &Form| matches!(form, Form::Category(name) if name == wanted);
                if !chosen.iter().any(|(form, _)| is(form)) {
                    return Err(format!("the plural form `{wanted}` is missing"));
                }
            }
            Ok(Piece::Plural(name, chosen))
        }
    }
}

/// The `name` of `NUMBER($name)`.
fn number(inline: &InlineExpression<&str>) -> Outcome<String> {
    match inline {
        InlineExpression::FunctionReference { id, arguments }
            if id.name == "NUMBER" && arguments.named.is_empty() =>
        {
            match arguments.positional.as_slice() {
                [InlineExpression::VariableReference { id }] => Ok(id.name.to_owned()),
                _ => Err("NUMBER takes one variable".into()),
            }
        }
        _ => Err("only text, variables, NUMBER($name) and plural selections are understood".into()),
    }
}

/// Places in the order of their first appearance in the first language, and whether each is a number: it is one
/// if any language uses it as such.
fn places(key: &str, of: &[&Message]) -> Outcome<Vec<(String, bool)>> {
    let mut found: Vec<Vec<(String, bool)>> = Vec::new();
    for message in of {
        let mut here = Vec::new();
        collect(&message.pattern, &mut here);
        found.push(here);
    }
    let names = |list: &[(String, bool)]| {
        let mut names: Vec<_> = list.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    };
    for (message, list) in of.iter().zip(&found) {
        if names(list) != names(&found[0]) {
            return Err(format!(
                "locales/{}: `{key}` has the places {:?} where locales/{} has {:?}",
                message.file,
                names(list),
                of[0].file,
                names(&found[0])
            ));
        }
    }
    let is_number = |name: &str| {
        found
            .iter()
            .flatten()
            .any(|(other, number)| other == name && *number)
    };
    Ok(found[0]
        .iter()
        .map(|(name, _)| (name.clone(), is_number(name)))
        .collect())
}

fn collect(pattern: &[Piece], into: &mut Vec<(String, bool)>) {
    for piece in pattern {
        let (name, number) = match piece {
            Piece::Text(_) => continue,
            Piece::Place(name) => (name, false),
            Piece::Number(name) | Piece::Plural(name, _) => (name, true),
        };
        match into.iter_mut().find(|(other, _)| other == name) {
            Some((_, known)) => *known |= number,
            None => into.push((name.clone(), number)),
        }
        if let Piece::Plural(_, variants) = piece {
            for (_, value) in variants {
                collect(value, into);
            }
        }
    }
}

/// The text with its places in braces; of a selection, its last variant.
fn plain(pattern: &[Piece]) -> String {
    pattern
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Place(name) | Piece::Number(name) => format!("{{{name}}}"),
            Piece::Plural(_, variants) => variants.last().map(|(_, value)| plain(value)).unwrap_or_default(),
        })
        .collect()
}

fn method(key: &str, name: &str, places: &[(String, bool)], of: &[&Message]) -> String {
    let (mut outer, mut inner, mut passed) = (String::new(), String::new(), String::new());
    for (place, number) in places {
        let (taken, kept, how) = if *number {
            ("impl Count", "i64", "count")
        } else {
            ("impl AsRef<str>", "&str", "as_ref")
        };
        let _ = write!(outer, ", {place}: {taken}");
        let _ = write!(inner, ", {place}: {kept}");
        let _ = write!(passed, ", {place}.{how}()");
    }
    let mut arms = String::new();
    for (message, (_, lang, _)) in of.iter().zip(LANGUAGES) {
        let _ = write!(
            arms,
            "Lang::{lang} => {{\n{}}}\n",
            statements(&message.pattern, places)
        );
    }
    format!(
        "/// `{key}`\npub(crate) fn {name}(&self{outer}) -> String {{\n\
         fn write(lang: Lang{inner}) -> String {{\nlet mut text = String::new();\n\
         match lang {{\n{arms}}}\ntext\n}}\nwrite(self.lang{passed})\n}}\n"
    )
}

fn statements(pattern: &[Piece], places: &[(String, bool)]) -> String {
    let is_number = |name: &str| places.iter().any(|(other, number)| other == name && *number);
    let mut code = String::new();
    for piece in pattern {
        let _ = match piece {
            Piece::Text(text) => writeln!(code, "text += {text:?};"),
            Piece::Place(name) | Piece::Number(name) if is_number(name) => {
                writeln!(code, "text += &lang.integer({name});")
            }
            Piece::Place(name) | Piece::Number(name) => writeln!(code, "text += {name};"),
            Piece::Plural(name, variants) => writeln!(code, "{}", selection(name, variants, places)),
        };
    }
    code
}

/// Exact numbers first, then plural forms, then the default.
fn selection(name: &str, variants: &[(Form, Vec<Piece>)], places: &[(String, bool)]) -> String {
    let Some((default, others)) = variants.split_last() else {
        return String::new();
    };
    let mut code = String::new();
    for (form, value) in others.iter().filter(|(form, _)| matches!(form, Form::Exact(_))) {
        if let Form::Exact(exact) = form {
            let _ = write!(
                code,
                "if {name} == {exact} {{\n{}}} else ",
                statements(value, places)
            );
        }
    }
    code += &format!("{{ match lang.plural({name}) {{\n");
    for (form, value) in others {
        if let Form::Category(category) = form {
            let _ = write!(code, "\"{category}\" => {{\n{}}}\n", statements(value, places));
        }
    }
    let _ = write!(code, "_ => {{\n{}}}\n}} }}", statements(&default.1, places));
    code
}
