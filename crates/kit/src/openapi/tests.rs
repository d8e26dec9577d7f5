//! The completed document, and the pages around it.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes as paths;

use super::*;

#[utoipa::path(post, path = "/api/io/gpio/set", operation_id = "set_gpio", request_body = String,
    responses((status = 200, description = "done"), (status = 403, description = "my own words")))]
async fn set() {}

#[utoipa::path(get, path = "/api/io/open", operation_id = "get_open", security(()), responses((status = 200, description = "ok")))]
async fn open() {}

fn spec() -> OpenApi {
    complete(
        Service::Io,
        OpenApiRouter::<()>::new()
            .routes(paths!(set))
            .routes(paths!(open))
            .into_openapi(),
    )
}

#[test]
fn every_operation_tells_its_security_and_its_problems() {
    let document: Value = serde_json::from_str(&spec().to_json().unwrap()).unwrap();
    assert_eq!(document["info"]["title"], "pistack io service");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let scheme = &document["components"]["securitySchemes"]["BearerAuth"];
    assert_eq!(
        (&scheme["type"], &scheme["scheme"]),
        (&json!("http"), &json!("bearer"))
    );
    let set = &document["paths"]["/api/io/gpio/set"]["post"];
    assert_eq!(set["security"], json!([{"BearerAuth": []}]));
    assert_eq!(set["responses"]["403"]["description"], "my own words");
    let problem = json!({"$ref": "#/components/schemas/ProblemBody"});
    for status in ["400", "401", "413", "500", "503"] {
        assert_eq!(
            set["responses"][status]["content"]["application/problem+json"]["schema"], problem,
            "{status}"
        );
    }
    let body = document["components"]["schemas"]["ProblemBody"].to_string();
    assert!(
        body.contains("\"message\":{") && body.contains("\"code\":{"),
        "{body}"
    );
    let open = &document["paths"]["/api/io/open"]["get"];
    assert_eq!(open["security"], json!([{}]));
    assert!(open["responses"]["401"].is_null() && open["responses"]["500"].is_object());
    let health = &document["paths"]["/api/io/health"]["get"];
    assert_eq!(
        (&health["operationId"], &health["security"]),
        (&json!("get_health"), &json!([{}]))
    );
}

async fn get_page(path: &str) -> http::Response<Body> {
    let request = Request::get(path).body(Body::empty()).unwrap();
    routes(Service::Io, &spec()).oneshot(request).await.unwrap()
}

async fn body(response: http::Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn the_page_needs_no_inline_script_and_no_other_host() {
    let page = get_page("/api/io/apidocs/").await;
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("script-src 'self';") && policy.contains("default-src 'none'"),
        "{policy}"
    );
    let page = body(page).await;
    assert!(
        !page.contains("http:") && !page.contains("https:") && !page.contains("<script>"),
        "{page}"
    );
    let names = ["swagger-ui-bundle.js", "init.js", "swagger-ui.css", "theme.css"];
    assert_eq!(
        page.matches(".js\"").count() + page.matches(".css\"").count(),
        names.len()
    );
    for name in names {
        assert!(page.contains(&format!("\"{name}\"")), "{name}");
        let status = get_page(&format!("/api/io/apidocs/{name}")).await.status();
        assert_eq!(status, 200, "{name}");
    }
    let init = body(get_page("/api/io/apidocs/init.js").await).await;
    for setting in [
        "persistAuthorization: true",
        "docExpansion: \"none\"",
        "url: \"../apispec.json\"",
    ] {
        assert!(init.contains(setting), "{setting}");
    }
}

#[tokio::test]
async fn the_bundle_goes_out_packed() {
    let bundle = get_page("/api/io/apidocs/swagger-ui-bundle.js").await;
    assert_eq!(bundle.headers()["content-encoding"], "gzip");
    let bytes = bundle.into_body().collect().await.unwrap().to_bytes();
    assert!(bytes.starts_with(&[0x1f, 0x8b]) && bytes.len() < 600_000);
}

#[tokio::test]
async fn the_address_without_a_slash_leads_to_the_page() {
    let response = get_page("/api/io/apidocs").await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (307, &http::HeaderValue::from_static("apidocs/"))
    );
}

#[test]
fn a_page_of_its_own_takes_the_foreign_files_and_nothing_else() {
    for name in ["swagger-ui-bundle.js", "swagger-ui.css", "theme.css"] {
        let answer = ui_file(name).unwrap();
        assert_eq!(answer.status(), 200, "{name}");
    }
    for name in ["", "init.js", "../Cargo.toml", "apispec.json"] {
        assert!(ui_file(name).is_none(), "{name}");
    }
}
