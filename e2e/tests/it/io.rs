//! GPIO over HTTP with the simulated backend, which says so in every answer.

use pistack_e2e::Stack;
use serde_json::json;

const LINES: &str = "[line.relay]\nbcm = 17\ndirection = \"output\"\n[line.door]\nbcm = 27\ndirection = \"input\"\n[io]\nbackend = \"simulated\"\n";

#[test]
fn sets_and_reads_and_never_hides_the_simulation() {
    let stack = Stack::builder().config("pistack.toml", LINES).start();
    assert_eq!(
        stack
            .post("", "/api/io/gpio/set", &json!({ "pin": 17, "value": 1 }))
            .status,
        401
    );
    let token = stack.root_token();
    let set = stack.post(&token, "/api/io/gpio/set", &json!({ "pin": 17, "value": 1 }));
    assert_eq!(
        (set.status, &set.json()["ok"], &set.json()["warning"]),
        (200, &json!(true), &json!("no_gpio_backend"))
    );
    for _ in 0..2 {
        // Reading an output must not switch it off, as the original did.
        let read = stack.get_as(&token, "/api/io/gpio/read?pin=17");
        assert_eq!(
            (read.status, &read.json()["value"], &read.json()["warning"]),
            (200, &json!(1), &json!("no_gpio_backend"))
        );
    }
    assert_eq!(stack.get_as(&token, "/api/io/gpio/read?pin=5").json()["value"], 0);
    for (body, status) in [
        (json!({ "pin": 99, "value": 1 }), 400),
        (json!({ "pin": "x", "value": 1 }), 400),
        (json!({ "pin": 5, "value": 7 }), 400),
        (json!({ "value": 1 }), 400),
        (json!({ "pin": 27, "value": 1 }), 409),
    ] {
        let answer = stack.post(&token, "/api/io/gpio/set", &body);
        assert_eq!(answer.status, status, "{body} {answer:?}");
        assert!(!answer.message().is_empty());
        assert_eq!(answer.json()["warning"], "no_gpio_backend", "{answer:?}");
    }
}
