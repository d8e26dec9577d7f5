//! Reading calls and answers: bounded in size, depth and number of values; no document type, no entity beyond XML's own.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use super::{Call, Fault, Value};

/// Largest text that is read.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Deepest nesting of values.
const MAX_DEPTH: usize = 32;
/// Most values in one text: each takes more memory than the few bytes that it may be written with.
const MAX_VALUES: usize = 200_000;

/// The text is no XML-RPC, or more than we read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not well-formed XML, or not the XML of XML-RPC.
    #[error("not XML-RPC: {0}")]
    Malformed(String),
    /// Nested deeper than 32 or larger than the limit.
    #[error("XML-RPC text exceeds a limit: {0}")]
    TooLarge(&'static str),
}

/// Reads a `<methodCall>`. A call without `<params>` has no parameters.
pub fn parse_call(xml: &[u8]) -> Result<Call, ReadError> {
    let mut parser = Parser::new(xml)?;
    parser.expect_open("methodCall")?;
    parser.expect_open("methodName")?;
    let method = parser.text_until_close("methodName")?.trim().to_owned();
    if method.is_empty() {
        return Err(malformed("an empty methodName"));
    }
    let params = match parser.next_tag()? {
        Tag::Open(name) if name == "params" => parser.params()?,
        Tag::Close(name) if name == "methodCall" => {
            parser.expect_end()?;
            return Ok(Call {
                method,
                params: Vec::new(),
            });
        }
        other => return Err(unexpected(&other, "<params>")),
    };
    parser.expect_close("methodCall")?;
    parser.expect_end()?;
    Ok(Call { method, params })
}

/// Reads a `<methodResponse>`: the value, or the fault that it carries.
pub fn parse_response(xml: &[u8]) -> Result<Result<Value, Fault>, ReadError> {
    let mut parser = Parser::new(xml)?;
    parser.expect_open("methodResponse")?;
    let answer = match parser.next_tag()? {
        Tag::Open(name) if name == "params" => {
            let mut params = parser.params()?;
            match (params.pop(), params.is_empty()) {
                (Some(value), true) => Ok(value),
                _ => return Err(malformed("an answer has exactly one value")),
            }
        }
        Tag::Open(name) if name == "fault" => {
            parser.expect_open("value")?;
            let value = parser.value(0)?;
            parser.expect_close("fault")?;
            Err(fault_of(&value)?)
        }
        other => return Err(unexpected(&other, "<params> or <fault>")),
    };
    parser.expect_close("methodResponse")?;
    parser.expect_end()?;
    Ok(answer)
}

fn fault_of(value: &Value) -> Result<Fault, ReadError> {
    let code = value
        .get("faultCode")
        .and_then(Value::as_int)
        .and_then(|code| i32::try_from(code).ok());
    let text = value.get("faultString").and_then(Value::as_str);
    match (code, text) {
        (Some(code), Some(text)) => Ok(Fault {
            code,
            text: text.to_owned(),
        }),
        _ => Err(malformed("a fault without faultCode and faultString")),
    }
}

fn malformed(reason: impl Into<String>) -> ReadError {
    ReadError::Malformed(reason.into())
}

fn unexpected(tag: &Tag, wanted: &str) -> ReadError {
    let found = match tag {
        Tag::Open(name) => format!("<{name}>"),
        Tag::Close(name) => format!("</{name}>"),
        Tag::End => "the end".to_owned(),
    };
    malformed(format!("{found} where {wanted} should be"))
}

/// What comes next, text between tags put aside.
#[derive(Debug, PartialEq, Eq)]
enum Tag {
    Open(Name),
    Close(Name),
    End,
}

/// An element's name; those of XML-RPC cost no allocation.
type Name = Cow<'static, str>;

const NAMES: [&str; 18] = [
    "value",
    "string",
    "member",
    "name",
    "int",
    "struct",
    "array",
    "data",
    "boolean",
    "param",
    "params",
    "i4",
    "methodCall",
    "methodName",
    "methodResponse",
    "fault",
    "double",
    "base64",
];

fn known(name: &str) -> Name {
    NAMES
        .into_iter()
        .find(|known| *known == name)
        .map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed)
}

struct Parser<'x> {
    reader: Reader<&'x [u8]>,
    /// Values that may still come.
    values_left: usize,
}

impl<'x> Parser<'x> {
    fn new(xml: &'x [u8]) -> Result<Self, ReadError> {
        if xml.len() > MAX_BYTES {
            return Err(ReadError::TooLarge("more than 16 MiB"));
        }
        let text = std::str::from_utf8(xml).map_err(|_| malformed("not UTF-8"))?;
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = true;
        config.expand_empty_elements = true;
        Ok(Self {
            reader,
            values_left: MAX_VALUES,
        })
    }

    fn event(&mut self) -> Result<Event<'x>, ReadError> {
        match self.reader.read_event() {
            Ok(Event::DocType(_)) => Err(malformed("a document type declaration")),
            Ok(event) => Ok(event),
            Err(error) => Err(malformed(error.to_string())),
        }
    }

    /// Text up to the next tag, and that tag.
    fn text_and_tag(&mut self) -> Result<(Cow<'x, str>, Tag), ReadError> {
        let mut text = Cow::Borrowed("");
        loop {
            match self.event()? {
                Event::Text(part) => text += part.xml10_content(),
                Event::CData(part) => text += part.xml10_content(),
                Event::GeneralRef(reference) => text.to_mut().push(resolve(&reference)?),
                Event::Start(start) => return Ok((text, Tag::Open(known(start.name().as_ref())))),
                Event::End(end) => return Ok((text, Tag::Close(known(end.name().as_ref())))),
                Event::Eof => return Ok((text, Tag::End)),
                _ => {}
            }
        }
    }

    /// The next tag; only white space may stand before it.
    fn next_tag(&mut self) -> Result<Tag, ReadError> {
        let (text, tag) = self.text_and_tag()?;
        if text.trim().is_empty() {
            Ok(tag)
        } else {
            Err(malformed("text between elements"))
        }
    }

    fn expect_open(&mut self, name: &str) -> Result<(), ReadError> {
        match self.next_tag()? {
            Tag::Open(found) if found == name => Ok(()),
            other => Err(unexpected(&other, &format!("<{name}>"))),
        }
    }

    fn expect_close(&mut self, name: &str) -> Result<(), ReadError> {
        match self.next_tag()? {
            Tag::Close(found) if found == name => Ok(()),
            other => Err(unexpected(&other, &format!("</{name}>"))),
        }
    }

    fn expect_end(&mut self) -> Result<(), ReadError> {
        match self.next_tag()? {
            Tag::End => Ok(()),
            other => Err(unexpected(&other, "the end")),
        }
    }

    fn text_until_close(&mut self, name: &str) -> Result<String, ReadError> {
        let (text, tag) = self.text_and_tag()?;
        match tag {
            Tag::Close(found) if found == name => Ok(text.into_owned()),
            other => Err(unexpected(&other, &format!("</{name}>"))),
        }
    }

    /// After `<params>`, up to and with `</params>`.
    fn params(&mut self) -> Result<Vec<Value>, ReadError> {
        let mut params = Vec::new();
        loop {
            match self.next_tag()? {
                Tag::Open(name) if name == "param" => {
                    self.expect_open("value")?;
                    params.push(self.value(0)?);
                    self.expect_close("param")?;
                }
                Tag::Close(name) if name == "params" => return Ok(params),
                other => return Err(unexpected(&other, "<param>")),
            }
        }
    }

    /// After `<value>`, up to and with `</value>`.
    fn value(&mut self, depth: usize) -> Result<Value, ReadError> {
        if depth > MAX_DEPTH {
            return Err(ReadError::TooLarge("values nested deeper than 32"));
        }
        self.values_left = self
            .values_left
            .checked_sub(1)
            .ok_or(ReadError::TooLarge("more than 200,000 values"))?;
        let (text, tag) = self.text_and_tag()?;
        let kind = match tag {
            Tag::Close(name) if name == "value" => return Ok(Value::String(text.into_owned())),
            Tag::Open(kind) if text.trim().is_empty() => kind,
            other => return Err(unexpected(&other, "</value>")),
        };
        let value = match &*kind {
            "array" => Value::Array(self.array(depth)?),
            "struct" => Value::Struct(self.members(depth)?),
            _ => scalar(&kind, self.text_until_close(&kind)?)?,
        };
        self.expect_close("value")?;
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value>, ReadError> {
        self.expect_open("data")?;
        let mut items = Vec::new();
        loop {
            match self.next_tag()? {
                Tag::Open(name) if name == "value" => items.push(self.value(depth + 1)?),
                Tag::Close(name) if name == "data" => break,
                other => return Err(unexpected(&other, "<value>")),
            }
        }
        self.expect_close("array")?;
        Ok(items)
    }

    fn members(&mut self, depth: usize) -> Result<Vec<(String, Value)>, ReadError> {
        let mut members = Vec::new();
        loop {
            match self.next_tag()? {
                Tag::Open(name) if name == "member" => {
                    self.expect_open("name")?;
                    let name = self.text_until_close("name")?;
                    self.expect_open("value")?;
                    members.push((name, self.value(depth + 1)?));
                    self.expect_close("member")?;
                }
                Tag::Close(name) if name == "struct" => return Ok(members),
                other => return Err(unexpected(&other, "<member>")),
            }
        }
    }
}

/// A character reference, or one of the five entities that XML itself defines.
fn resolve(reference: &BytesRef<'_>) -> Result<char, ReadError> {
    let character = reference
        .resolve_char_ref()
        .map_err(|error| malformed(error.to_string()))?;
    match (character, &*reference.xml10_content()) {
        (Some(character), _) => Ok(character),
        (None, "amp") => Ok('&'),
        (None, "lt") => Ok('<'),
        (None, "gt") => Ok('>'),
        (None, "quot") => Ok('"'),
        (None, "apos") => Ok('\''),
        (None, name) => Err(malformed(format!("the unknown entity &{name};"))),
    }
}

fn scalar(kind: &str, text: String) -> Result<Value, ReadError> {
    let bad = |text: &str| {
        malformed(format!(
            "`{}` is no {kind}",
            text.chars().take(40).collect::<String>()
        ))
    };
    match kind {
        "string" => Ok(Value::String(text)),
        "int" | "i4" => text.trim().parse().map(Value::Int).map_err(|_| bad(&text)),
        "boolean" => match text.trim() {
            "0" => Ok(Value::Bool(false)),
            "1" => Ok(Value::Bool(true)),
            other => Err(bad(other)),
        },
        "double" => text.trim().parse().map(Value::Double).map_err(|_| bad(&text)),
        "dateTime.iso8601" => Ok(Value::DateTime(text.trim().to_owned())),
        "base64" => {
            let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            LENIENT_BASE64
                .decode(packed)
                .map(Value::Base64)
                .map_err(|_| bad(&text))
        }
        _ => Err(malformed(format!(
            "<{}> is no type of XML-RPC",
            kind.chars().take(40).collect::<String>()
        ))),
    }
}

/// Some clients leave the padding out.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
