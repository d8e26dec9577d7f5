#[tokio::main(flavor = "current_thread")]
async fn main() {
    pistack_kit::telemetry::init();
    let paths = pistack_kit::paths::StatePaths::new("/tmp/gwtest");
    paths.create().unwrap();
    for s in pistack_api::service::Service::ALL {
        let p = paths.service_socket(s);
        let _ = std::fs::remove_file(&p);
        let l = tokio::net::UnixListener::bind(p).unwrap();
        let r = axum::Router::new().fallback(|h: http::HeaderMap, b: axum::body::Body| async move { let n = axum::body::to_bytes(b, usize::MAX).await.unwrap().len(); format!("{n} {h:?}\n") }).layer(axum::extract::DefaultBodyLimit::disable());
            format!("{:?} {} {:?}\n", r.method(), r.uri(), r.headers())
        });
        tokio::spawn(async move { axum::serve(l, r).await });
    }
    let lifecycle = pistack_kit::lifecycle::Lifecycle::new();
    lifecycle.stop_on_signals().unwrap();
    let c = pistack_gateway::GatewayContext {
        config: Default::default(),
        paths,
        clock: pistack_kit::clock::Clock::system(),
        lifecycle,
    };
    if let Err(e) = pistack_gateway::run(c).await {
        println!("ERR {e}");
    }
}
