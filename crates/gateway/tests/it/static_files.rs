//! Folders behind `[route.NAME] files`.

use std::path::Path;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use pistack_gateway::Route;

use crate::applications::routes;
use crate::harness::Stack;

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

async fn stack(folder: &Path) -> Stack {
    let route = Route {
        path: "/site".to_owned(),
        files: Some(folder.to_owned()),
        auth: "public".to_owned(),
        ..Route::default()
    };
    Stack::with_routes(routes(vec![("site", route)])).await
}

async fn ask(stack: &Stack, method: Method, path: &str, fields: &[(&str, &str)]) -> Response<Bytes> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    stack.send(request.body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn files_as_they_lie_there() {
    let folder = tempfile::tempdir().unwrap();
    let big: Vec<u8> = (0..300_000_u32).map(|index| (index % 251) as u8).collect();
    write(folder.path(), "index.html", b"<h1>home</h1>");
    write(folder.path(), "docs/index.html", b"<h1>docs</h1>");
    write(folder.path(), "a b.txt", b"spaced");
    write(folder.path(), "clip.mp4", &big);
    write(folder.path(), "empty.txt", b"");
    let stack = stack(folder.path()).await;
    let home = stack.get("/site/").await;
    assert_eq!(
        (home.status(), home.body().as_ref()),
        (StatusCode::OK, &b"<h1>home</h1>"[..])
    );
    let field = |name: &str| home.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(field("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        (field("cache-control"), field("x-content-type-options")),
        ("no-cache".into(), "nosniff".into())
    );
    assert_eq!(
        (field("accept-ranges"), field("content-length")),
        ("bytes".into(), "13".into())
    );
    assert!(field("last-modified").ends_with(" GMT") && field("etag").starts_with('"'));
    assert_eq!(stack.get("/site").await.headers()["location"], "/site/");
    let docs = stack.get("/site/docs").await;
    assert_eq!(
        (docs.status(), docs.headers()["location"].to_str().unwrap()),
        (StatusCode::PERMANENT_REDIRECT, "./docs/")
    );
    assert_eq!(stack.get("/site/docs/").await.body(), "<h1>docs</h1>");
    assert_eq!(stack.get("/site/a%20b.txt").await.body(), "spaced");
    assert_eq!(stack.get("/site/clip.mp4").await.body(), &big);
    assert_eq!(stack.get("/site/empty.txt").await.status(), StatusCode::OK);
    let head = ask(&stack, Method::HEAD, "/site/clip.mp4", &[]).await;
    assert_eq!(
        (
            head.headers()["content-length"].to_str().unwrap(),
            head.body().len()
        ),
        ("300000", 0)
    );
    assert_eq!(
        ask(&stack, Method::POST, "/site/", &[]).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    for path in ["/site/nothing", "/site/docs/nothing/", "/site/index.html/"] {
        assert_eq!(stack.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn parts_and_unchanged_files() {
    let folder = tempfile::tempdir().unwrap();
    let big: Vec<u8> = (0..300_000_u32).map(|index| (index % 251) as u8).collect();
    write(folder.path(), "clip.mp4", &big);
    let stack = stack(folder.path()).await;
    let path = "/site/clip.mp4";
    let whole = stack.get(path).await;
    let tag = whole.headers()["etag"].to_str().unwrap().to_owned();
    let date = whole.headers()["last-modified"].to_str().unwrap().to_owned();
    let get = async |fields: &[(&str, &str)]| ask(&stack, Method::GET, path, fields).await;
    for (name, value) in [("if-none-match", &tag), ("if-modified-since", &date)] {
        let same = get(&[(name, value)]).await;
        assert_eq!(
            (same.status(), same.body().len()),
            (StatusCode::NOT_MODIFIED, 0),
            "{name}"
        );
        assert_eq!(same.headers()["etag"], tag);
    }
    let part = get(&[("range", "bytes=100000-199999")]).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["content-range"], "bytes 100000-199999/300000");
    assert_eq!(part.body(), &big[100_000..200_000]);
    let end = get(&[("range", "bytes=-5"), ("if-range", &tag)]).await;
    assert_eq!(
        (end.status(), end.body().as_ref()),
        (StatusCode::PARTIAL_CONTENT, &big[299_995..])
    );
    let other = get(&[("range", "bytes=-5"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status(), other.body().len()), (StatusCode::OK, 300_000));
    let beyond = get(&[("range", "bytes=300000-")]).await;
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.headers()["content-range"], "bytes */300000");
    assert_eq!(
        get(&[("if-match", "\"other\"")]).await.status(),
        StatusCode::PRECONDITION_FAILED
    );
    write(folder.path(), "clip.mp4", b"changed");
    let changed = get(&[("if-none-match", &tag)]).await;
    assert_eq!(
        (changed.status(), changed.body().as_ref()),
        (StatusCode::OK, &b"changed"[..])
    );
}

#[tokio::test]
async fn nothing_hidden_and_nothing_outside() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "secret.txt", b"secret");
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "plain.txt", b"plain");
    write(folder.path(), ".git/config", b"secret");
    write(folder.path(), ".env", b"secret");
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    link(&outside.path().join("secret.txt"), "absolute.txt");
    link(outside.path(), "folder");
    link(Path::new("../../../../../../etc/passwd"), "relative.txt");
    link(Path::new("plain.txt"), "inside.txt");
    let stack = stack(folder.path()).await;
    for path in [
        "/site/.env",
        "/site/.git/config",
        "/site/%2eenv",
        "/site/absolute.txt",
        "/site/folder/secret.txt",
        "/site/folder/",
        "/site/relative.txt",
    ] {
        let answer = stack.get(path).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.body().windows(6).any(|part| part == b"secret"), "{path}");
    }
    for path in ["/site/..%2fx", "/site/../x", "/site/%2e%2e/x"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert_eq!(
            crate::harness::status(&stack.raw(request.as_bytes()).await),
            400,
            "{path}"
        );
    }
    assert_eq!(
        stack.get("/site/inside.txt").await.body(),
        "plain",
        "a link that stays inside is followed"
    );
}

#[tokio::test]
async fn compressed_files_beside_the_plain_ones_are_sent_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let text = "body { color: red }\n".repeat(200);
    write(folder.path(), "style.css", text.as_bytes());
    write(folder.path(), "style.css.br", b"brotli bytes");
    write(folder.path(), "style.css.gz", b"gzip bytes");
    write(folder.path(), "old.css.gz", b"of an older file");
    let old = std::fs::File::options()
        .write(true)
        .open(folder.path().join("old.css.gz"))
        .unwrap();
    old.set_modified(std::time::UNIX_EPOCH).unwrap();
    write(folder.path(), "old.css", text.as_bytes());
    let stack = stack(folder.path()).await;
    let get = async |name: &str, accept: &str, more: &[(&str, &str)]| {
        let path = format!("/site/{name}");
        let mut fields = vec![("accept-encoding", accept)];
        fields.extend(more);
        ask(&stack, Method::GET, &path, &fields).await
    };
    let brotli = get("style.css", "gzip, br", &[]).await;
    assert_eq!(
        (
            brotli.headers()["content-encoding"].to_str().unwrap(),
            brotli.body().as_ref()
        ),
        ("br", &b"brotli bytes"[..])
    );
    assert_eq!(brotli.headers()["vary"], "accept-encoding");
    assert_eq!(brotli.headers()["content-type"], "text/css; charset=utf-8");
    let gzip = get("style.css", "gzip;q=1, br;q=0.1", &[]).await;
    assert_eq!(gzip.body(), "gzip bytes");
    assert_ne!(
        gzip.headers()["etag"],
        brotli.headers()["etag"],
        "each form has a tag of its own"
    );
    let plain = get("style.css", "identity", &[]).await;
    assert_eq!(plain.body(), text.as_bytes());
    let part = get("style.css", "gzip, br", &[("range", "bytes=0-3")]).await;
    assert_eq!(
        (part.status(), part.body().as_ref()),
        (StatusCode::PARTIAL_CONTENT, &b"body"[..])
    );
    let fresh = get("old.css", "gzip", &[]).await;
    assert_eq!(fresh.headers()["content-encoding"], "gzip");
    assert_ne!(fresh.body(), "of an older file", "compressed on the way instead");
}
