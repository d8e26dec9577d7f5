//! The codec against texts that Python's `xmlrpc.client` wrote, and against everything that it must refuse.

use proptest::prelude::*;

use super::*;

/// `xmlrpc.client.dumps((...), methodname="system.multicall")` of Python 3.10.
const PYTHON_CALL: &str = "<?xml version='1.0'?>\n<methodCall>\n<methodName>system.multicall</methodName>\n<params>\n<param>\n<value><dateTime.iso8601>20260102T03:04:05</dateTime.iso8601></value>\n</param>\n<param>\n<value><boolean>1</boolean></value>\n</param>\n<param>\n<value><int>-5</int></value>\n</param>\n<param>\n<value><string>a &lt;b&gt; &amp; \"c\" żółć\n</string></value>\n</param>\n<param>\n<value><double>1.5</double></value>\n</param>\n<param>\n<value><double>1e+16</double></value>\n</param>\n<param>\n<value><double>1e-05</double></value>\n</param>\n<param>\n<value><double>0.1</double></value>\n</param>\n<param>\n<value><double>1e+22</double></value>\n</param>\n<param>\n<value><double>-0.0</double></value>\n</param>\n<param>\n<value><double>1.2345678901234568e+17</double></value>\n</param>\n<param>\n<value><base64>\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4\nOTo7\n</base64></value>\n</param>\n</params>\n</methodCall>\n";

/// `dumps(({"name": "camera", "list": [1, [], {}], "on": False},), methodresponse=True)`.
const PYTHON_ANSWER: &str = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n<member>\n<name>name</name>\n<value><string>camera</string></value>\n</member>\n<member>\n<name>list</name>\n<value><array><data>\n<value><int>1</int></value>\n<value><array><data>\n</data></array></value>\n<value><struct>\n</struct></value>\n</data></array></value>\n</member>\n<member>\n<name>on</name>\n<value><boolean>0</boolean></value>\n</member>\n</struct></value>\n</param>\n</params>\n</methodResponse>\n";

/// `dumps(Fault(10, "BAD_NAME: <camera>"))`.
const PYTHON_FAULT: &str = "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n<value><int>10</int></value>\n</member>\n<member>\n<name>faultString</name>\n<value><string>BAD_NAME: &lt;camera&gt;</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n";

/// `dumps((), methodname="supervisor.getState")`.
const PYTHON_EMPTY_CALL: &str = "<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.getState</methodName>\n<params>\n</params>\n</methodCall>\n";

fn python_call() -> Call {
    Call {
        method: "system.multicall".into(),
        params: vec![
            Value::DateTime("20260102T03:04:05".into()),
            Value::Bool(true),
            Value::Int(-5),
            Value::from("a <b> & \"c\" żółć\n"),
            Value::Double(1.5),
            Value::Double(1e16),
            Value::Double(1e-5),
            Value::Double(0.1),
            Value::Double(1e22),
            Value::Double(-0.0),
            Value::Double(123_456_789_012_345_680.0),
            Value::Base64((0..60).collect()),
        ],
    }
}

fn python_answer() -> Value {
    Value::Struct(vec![
        ("name".into(), Value::from("camera")),
        (
            "list".into(),
            Value::Array(vec![
                Value::Int(1),
                Value::Array(Vec::new()),
                Value::Struct(Vec::new()),
            ]),
        ),
        ("on".into(), Value::Bool(false)),
    ])
}

fn answer_with(value: &str) -> Result<Value, ReadError> {
    let xml = format!("<methodResponse><params><param>{value}</param></params></methodResponse>");
    parse_response(xml.as_bytes()).map(|answer| answer.expect("no fault was written"))
}

#[test]
fn writes_what_python_writes() {
    assert_eq!(write_call(&python_call()), PYTHON_CALL);
    assert_eq!(write_response(&python_answer()), PYTHON_ANSWER);
    assert_eq!(
        write_fault(&Fault {
            code: 10,
            text: "BAD_NAME: <camera>".into()
        }),
        PYTHON_FAULT
    );
    assert_eq!(
        write_call(&Call {
            method: "supervisor.getState".into(),
            params: vec![]
        }),
        PYTHON_EMPTY_CALL
    );
}

#[test]
fn reads_what_python_writes() {
    assert_eq!(parse_call(PYTHON_CALL.as_bytes()), Ok(python_call()));
    assert_eq!(parse_response(PYTHON_ANSWER.as_bytes()), Ok(Ok(python_answer())));
    let fault = Fault {
        code: 10,
        text: "BAD_NAME: <camera>".into(),
    };
    assert_eq!(parse_response(PYTHON_FAULT.as_bytes()), Ok(Err(fault)));
    assert_eq!(parse_call(PYTHON_EMPTY_CALL.as_bytes()).unwrap().params, []);
}

#[test]
fn ints_are_clamped_to_32_bits_and_characters_that_xml_lacks_are_left_out() {
    assert!(write_response(&Value::Int(i64::MAX)).contains("<int>2147483647</int>"));
    assert!(write_response(&Value::Int(i64::MIN)).contains("<int>-2147483648</int>"));
    assert!(
        write_response(&Value::from("a\u{0}b\u{1b}[0m\u{fffe}c\td")).contains("<string>ab[0mc\td</string>")
    );
}

#[test]
fn reads_the_short_forms_that_clients_use() {
    assert_eq!(
        answer_with("<value>plain &#65;&amp;</value>"),
        Ok(Value::from("plain A&"))
    );
    assert_eq!(answer_with("<value/>"), Ok(Value::from("")));
    assert_eq!(answer_with("<value><string/></value>"), Ok(Value::from("")));
    assert_eq!(answer_with("<value> <i4> 7 </i4>\n</value>"), Ok(Value::Int(7)));
    assert_eq!(
        answer_with("<value><string><![CDATA[<a>]]></string></value>"),
        Ok(Value::from("<a>"))
    );
    assert_eq!(
        answer_with("<value><base64>AQI</base64></value>"),
        Ok(Value::Base64(vec![1, 2]))
    );
    assert_eq!(
        answer_with("<value><string> kept </string></value>"),
        Ok(Value::from(" kept "))
    );
    let no_params = b"<methodCall><!-- c --><methodName> a.b </methodName></methodCall>";
    assert_eq!(
        parse_call(no_params),
        Ok(Call {
            method: "a.b".into(),
            params: vec![]
        })
    );
    assert_eq!(
        parse_call(b"<methodCall><methodName>a</methodName><params/></methodCall>")
            .unwrap()
            .params,
        []
    );
}

#[test]
fn refuses_what_is_no_xml_rpc() {
    let values = [
        "<value><int>x</int></value>",
        "<value><int>1.5</int></value>",
        "<value><boolean>2</boolean></value>",
        "<value><nil/></value>",
        "<value><string>a<b/></string></value>",
        "<value>text<int>1</int></value>",
        "<value><int>1</int>text</value>",
        "<value><int>1</int><int>2</int></value>",
        "<value><base64>*</base64></value>",
        "<value><array><value>1</value></array></value>",
        "<value><struct><member><value>1</value></member></struct></value>",
        "<value>&evil;</value>",
        "<value>&#0;</value>",
        "<value>&",
        "<value></wrong>",
        "",
        "<value>1</value><value>2</value>",
    ];
    for value in values {
        assert!(
            matches!(answer_with(value), Err(ReadError::Malformed(_))),
            "{value}"
        );
    }
    let texts = [
        "",
        "<methodCall/>",
        "<methodCall><methodName/></methodCall>",
        "<methodCall><methodName>a</methodName></methodCall><more/>",
        "<methodCall><methodName>a</methodName><params>",
        "<!DOCTYPE x [<!ENTITY e \"boom\">]><methodCall><methodName>a</methodName></methodCall>",
        "not xml at all",
        "<methodResponse><fault><value>x</value></fault></methodResponse>",
    ];
    for text in texts {
        assert!(parse_call(text.as_bytes()).is_err(), "{text}");
        assert!(parse_response(text.as_bytes()).is_err(), "{text}");
    }
    assert!(parse_call(b"\xff\xfe").is_err());
}

#[test]
fn depth_size_and_number_are_bounded() {
    let nested = |depth: usize| {
        let open = "<value><array><data>".repeat(depth);
        let close = "</data></array></value>".repeat(depth);
        answer_with(&format!("{open}<value>x</value>{close}"))
    };
    assert!(nested(32).is_ok());
    assert!(matches!(nested(33), Err(ReadError::TooLarge(_))));
    assert!(matches!(nested(100_000), Err(ReadError::TooLarge(_))));
    let many = format!(
        "<value><array><data>{}</data></array></value>",
        "<value/>".repeat(200_001)
    );
    assert!(matches!(answer_with(&many), Err(ReadError::TooLarge(_))));
    assert!(matches!(
        parse_call(&vec![b' '; 16 * 1024 * 1024 + 1]),
        Err(ReadError::TooLarge(_))
    ));
}

/// Text that XML can carry; carriage returns are left out, since every XML reader turns them into line feeds.
fn text() -> impl Strategy<Value = String> {
    "[ -~\t\né漢🔑]{0,12}"
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(|number| Value::Int(number.into())),
        any::<bool>().prop_map(Value::Bool),
        text().prop_map(Value::String),
        any::<f64>()
            .prop_filter("NaN differs from itself", |number| !number.is_nan())
            .prop_map(Value::Double),
        "[0-9]{8}T[0-9]{2}:[0-9]{2}:[0-9]{2}".prop_map(Value::DateTime),
        prop::collection::vec(any::<u8>(), 0..150).prop_map(Value::Base64),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((text(), inner), 0..5).prop_map(Value::Struct),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(params in prop::collection::vec(value(), 0..4), method in "[a-zA-Z.]{1,20}") {
        let call = Call { method, params };
        prop_assert_eq!(parse_call(write_call(&call).as_bytes()), Ok(call.clone()));
        for value in call.params {
            prop_assert_eq!(parse_response(write_response(&value).as_bytes()), Ok(Ok(value)));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_call(&bytes);
        let _ = parse_response(&bytes);
    }

    #[test]
    fn arbitrary_tags_never_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<methodCall>", "<methodName>", "</methodName>", "a", "<params>", "<param>", "<value>", "<int>", "1",
            "</int>", "</value>", "</param>", "</params>", "</methodCall>", "<array>", "<data>", "&amp;", "&x;",
            "<![CDATA[", "]]>", "<!--", "-->", "<?", "?>", "<!DOCTYPE", "<", ">", "&",
        ]), 0..30),
    ) {
        let text: String = parts.concat();
        let _ = parse_call(text.as_bytes());
        let _ = parse_response(text.as_bytes());
    }
}
