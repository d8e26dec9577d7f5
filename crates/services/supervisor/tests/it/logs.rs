//! Reading logs.

use serde_json::json;

use crate::Bench;

async fn bench() -> Bench {
    let bench = Bench::new().await;
    bench
        .fake
        .state()
        .logs
        .insert("camera:camera/stdout".into(), b"one\ntwo\nthree\n".to_vec());
    bench
        .fake
        .state()
        .logs
        .insert("camera:camera/stderr".into(), "błąd\n".into());
    bench
}

#[tokio::test]
async fn the_tail_and_the_whole() {
    let bench = bench().await;
    let (status, body) = bench.get("/processes/camera/log?tail=6").await;
    assert_eq!(
        (status.as_u16(), body),
        (200, json!({ "data": "three\n", "offset": 14, "overflow": true }))
    );
    let (_, body) = bench.get("/processes/camera:camera/log").await;
    assert_eq!(
        body,
        json!({ "data": "one\ntwo\nthree\n", "offset": 14, "overflow": false })
    );
    let (_, body) = bench.get("/processes/camera/log?channel=stderr").await;
    assert_eq!(body["data"], "błąd\n");
    let (_, body) = bench.get("/processes/auth_service/log").await;
    assert_eq!(
        body,
        json!({ "data": "", "offset": 0, "overflow": false }),
        "a process without a log"
    );
}

#[tokio::test]
async fn pieces_add_up_to_the_whole() {
    let bench = bench().await;
    let (mut offset, mut whole) = (0, String::new());
    loop {
        let (status, piece) = bench
            .get(&format!("/processes/camera/log?offset={offset}&length=5"))
            .await;
        assert_eq!(status, 200);
        whole.push_str(piece["data"].as_str().unwrap());
        offset = piece["offset"].as_u64().unwrap();
        if piece["overflow"] == false {
            break;
        }
    }
    assert_eq!((whole.as_str(), offset), ("one\ntwo\nthree\n", 14));
    // Nothing new.
    let (_, piece) = bench.get("/processes/camera/log?offset=14").await;
    assert_eq!(piece, json!({ "data": "", "offset": 14, "overflow": false }));
    // Rotated: shorter than where the client was.
    bench
        .fake
        .state()
        .logs
        .insert("camera:camera/stdout".into(), b"new\n".to_vec());
    let (_, piece) = bench.get("/processes/camera/log?offset=14").await;
    assert_eq!(piece, json!({ "data": "", "offset": 4, "overflow": true }));
}

#[tokio::test]
async fn offsets_count_bytes_even_inside_a_character() {
    let bench = bench().await;
    let (_, piece) = bench
        .get("/processes/camera/log?channel=stderr&offset=0&length=2")
        .await;
    assert_eq!(
        (&piece["data"], &piece["offset"]),
        (&"b\u{fffd}".into(), &2.into())
    );
}

#[tokio::test]
async fn bad_queries_are_400() {
    let bench = bench().await;
    for query in [
        "channel=stdin",
        "offset=-1",
        "length=x",
        "tail=1&offset=0",
        "tail=1048577",
        "length=1048577",
        "offset=2147483648",
    ] {
        let (status, body) = bench.get(&format!("/processes/camera/log?{query}")).await;
        assert_eq!(
            (status.as_u16(), &body["message"]),
            (400, &"invalid query".into()),
            "{query}"
        );
    }
    assert_eq!(bench.get("/processes/nobody/log").await.0, 404);
}
