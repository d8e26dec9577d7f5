//! Writing calls and answers, byte for byte as Python's `xmlrpc.client.dumps` does (which supervisord uses).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{Call, Fault, Value};

/// The first line; Python names no encoding, which means UTF-8.
const HEADER: &str = "<?xml version='1.0'?>\n";
/// Bytes that give one line of base64 of 76 characters (RFC 2045, section 6.8).
const BASE64_LINE: usize = 57;

/// Writes a `<methodCall>`.
pub fn write_call(call: &Call) -> String {
    let mut xml = String::from(HEADER);
    xml.push_str("<methodCall>\n<methodName>");
    escape(&call.method, &mut xml);
    xml.push_str("</methodName>\n<params>\n");
    for param in &call.params {
        write_param(param, &mut xml);
    }
    xml.push_str("</params>\n</methodCall>\n");
    xml
}

/// Writes a `<methodResponse>` with one value.
pub fn write_response(value: &Value) -> String {
    let mut xml = String::from(HEADER);
    xml.push_str("<methodResponse>\n<params>\n");
    write_param(value, &mut xml);
    xml.push_str("</params>\n</methodResponse>\n");
    xml
}

/// Writes a `<methodResponse>` with a fault.
pub fn write_fault(fault: &Fault) -> String {
    let mut xml = String::from(HEADER);
    xml.push_str("<methodResponse>\n<fault>\n");
    let members = vec![
        ("faultCode".to_owned(), Value::Int(fault.code.into())),
        ("faultString".to_owned(), Value::from(&*fault.text)),
    ];
    write_value(&Value::Struct(members), &mut xml);
    xml.push_str("</fault>\n</methodResponse>\n");
    xml
}

fn write_param(value: &Value, xml: &mut String) {
    xml.push_str("<param>\n");
    write_value(value, xml);
    xml.push_str("</param>\n");
}

fn write_value(value: &Value, xml: &mut String) {
    match value {
        Value::Int(number) => {
            let clamped = (*number).clamp(i32::MIN.into(), i32::MAX.into());
            write_scalar("int", &clamped.to_string(), xml);
        }
        Value::Bool(flag) => write_scalar("boolean", if *flag { "1" } else { "0" }, xml),
        Value::String(text) => write_scalar("string", text, xml),
        Value::Double(number) => write_scalar("double", &python_repr(*number), xml),
        Value::DateTime(text) => write_scalar("dateTime.iso8601", text, xml),
        Value::Base64(bytes) => {
            xml.push_str("<value><base64>\n");
            for line in bytes.chunks(BASE64_LINE) {
                BASE64.encode_string(line, xml);
                xml.push('\n');
            }
            xml.push_str("</base64></value>\n");
        }
        Value::Array(items) => {
            xml.push_str("<value><array><data>\n");
            for item in items {
                write_value(item, xml);
            }
            xml.push_str("</data></array></value>\n");
        }
        Value::Struct(members) => {
            xml.push_str("<value><struct>\n");
            for (name, value) in members {
                xml.push_str("<member>\n<name>");
                escape(name, xml);
                xml.push_str("</name>\n");
                write_value(value, xml);
                xml.push_str("</member>\n");
            }
            xml.push_str("</struct></value>\n");
        }
    }
}

fn write_scalar(tag: &str, text: &str, xml: &mut String) {
    xml.push_str("<value><");
    xml.push_str(tag);
    xml.push('>');
    escape(text, xml);
    xml.push_str("</");
    xml.push_str(tag);
    xml.push_str("></value>\n");
}

/// Escapes what Python escapes, and leaves out what XML 1.0 cannot carry at all (section 2.2, `Char`): a log with
/// one such byte would otherwise make the whole answer unreadable to every client.
fn escape(text: &str, xml: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'.. => xml.push(letter),
            _ => {}
        }
    }
}

/// A double as Python's `repr` shows it: the shortest digits that read back, an exponent outside 1e-4..1e16,
/// always with a point or an exponent.
fn python_repr(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent
            .strip_prefix('-')
            .map_or(('+', exponent), |rest| ('-', rest));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{number:?}")
}
