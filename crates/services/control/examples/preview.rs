//! The dashboard with made-up services behind it, for looking at: `cargo run -p pistack-control --example preview`.
//!
//! `http://127.0.0.1:8092/` is signed in as Root, 8093 as Admin, 8094 as User, 8091 is signed out, 8095 has no
//! account yet, 8096 has no services. `?lang=pl&theme=dark` chooses as the switches do.

#[path = "../tests/it/fake.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which use all of it and may unwrap"
)]
mod fake;
#[path = "../tests/it/fake_account.rs"]
#[expect(clippy::unwrap_used, reason = "shared with the tests, which may unwrap")]
mod fake_account;
#[path = "../tests/it/fake_board.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "shared with the tests, which use all of it and may unwrap"
)]
mod fake_board;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use http::HeaderValue;
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use pistack_api::service::Service;
use pistack_api::token::Level;
use pistack_kit::lifecycle::Lifecycle;
use tokio::net::TcpListener;

use fake::{Fake, NOW, process};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let all = [Service::Auth, Service::Supervisor, Service::Info];
    let signed_in = [(8092, Level::Root), (8093, Level::Admin), (8094, Level::User)];
    let mut kept = vec![
        serve(8091, &all, None).await?,
        serve(8096, &[Service::Auth], Some(Level::Root)).await?,
    ];
    for (port, level) in signed_in {
        kept.push(serve(port, &all, Some(level)).await?);
    }
    let (fake, directory) = serve(8095, &all, None).await?;
    *fake.setup_required.lock().map_err(|_| "poisoned")? = true;
    kept.push((fake, directory));
    let lifecycle = Lifecycle::new();
    lifecycle.stop_on_signals()?;
    let mut ticks = 0;
    while !lifecycle.is_stopping() {
        tokio::select! {
            () = tokio::time::sleep(std::time::Duration::from_secs(2)) => {}
            () = lifecycle.stopped() => {}
        }
        ticks += 1;
        for (fake, _) in &kept {
            if let Ok(mut logs) = fake.logs.lock() {
                let log = logs.entry("camera:camera/stdout".to_owned()).or_default();
                *log += &format!(
                    "12:{:02}:{:02} frame {ticks} stored\n",
                    ticks / 30 % 60,
                    ticks * 2 % 60
                );
            }
        }
    }
    Ok(())
}

type Kept = (Arc<Fake>, tempfile::TempDir);

async fn serve(
    port: u16,
    services: &[Service],
    level: Option<Level>,
) -> Result<Kept, Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let fake = Fake::new();
    let context = fake.context(directory.path());
    for service in services {
        fake.serve(*service, &context);
    }
    fill(&fake);
    std::fs::create_dir_all(context.paths.tls())?;
    std::fs::write(
        context.paths.tls().join("ca.pem"),
        "-----BEGIN CERTIFICATE-----\n",
    )?;
    let app = pistack_control::app(&context, pistack_control::Config::default());
    let token = level.map(|level| fake.auth.token("root", level, NOW));
    let router: Router = pistack_kit::service::router(&context, app).layer(from_fn(
        move |mut request: Request, next: Next| {
            let chosen = dress_up(&mut request, token.as_deref());
            let answer = next.run(request);
            async move {
                let mut answer = answer.await;
                answer
                    .headers_mut()
                    .extend(chosen.into_iter().map(|cookie| (SET_COOKIE, cookie)));
                answer
            }
        },
    ));
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((fake, directory))
}

/// Signs in, and makes cookies of `lang` and `theme` in the address. The cookies to keep.
fn dress_up(request: &mut Request, token: Option<&str>) -> Vec<HeaderValue> {
    let query = request.uri().query().unwrap_or_default();
    let choices: Vec<_> = query
        .split('&')
        .filter(|choice| choice.starts_with("lang=") || choice.starts_with("theme="))
        .collect();
    let chosen = choices
        .iter()
        .filter_map(|choice| format!("{choice}; Path=/").parse().ok())
        .collect();
    let joined = choices.join("; ");
    let headers = request.headers_mut();
    if let Ok(cookie) = joined.parse()
        && !joined.is_empty()
    {
        headers.insert(COOKIE, cookie);
    }
    if let Some(token) = token
        && let Ok(value) = format!("Bearer {token}").parse()
    {
        headers.insert(AUTHORIZATION, value);
    }
    chosen
}

fn fill(fake: &Fake) {
    let mut crashed = process("feeder", "feeder", 100);
    crashed.exitstatus = 127;
    let mut backoff = process("garden", "pump", 30);
    "Exited too quickly (process log may have details)".clone_into(&mut backoff.description);
    let mut never = process("garden", "lamp", 0);
    (never.start, never.stop) = (0, 0);
    let mut list = vec![
        process("camera", "camera", 20),
        crashed,
        process("<b>evil</b>", "<b>evil</b>\u{1b}[31m", 10),
        process("garden", "moisture", 20),
        backoff,
        never,
    ];
    for name in [
        "auth_service",
        "supervisor_service",
        "control_service",
        "info_service",
        "io_service",
    ] {
        list.push(process("RaspberryPiSystem", name, 20));
    }
    list.push(process("RaspberryPiSystem", "email_service", 0));
    list.push(process("RaspberryPiSystem", "gateway", 20));
    if let (Ok(mut processes), Ok(mut logs)) = (fake.processes.lock(), fake.logs.lock()) {
        *processes = list;
        let line =
            "\u{1b}[32mINFO\u{1b}[0m <picture> 1920×1080 stored in /home/pi/pictures/2023-11-14/221320.jpg\n";
        logs.insert("camera:camera/stdout".to_owned(), line.repeat(300));
        logs.insert("camera:camera/stderr".to_owned(), String::new());
    }
}
