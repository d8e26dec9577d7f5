//! `pistack tls`: which certificate is shown, how devices come to trust it, and how to use another one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use pistack_gateway::{Addresses, Certificate, Config, GatewayContext, Kind};
use pistack_kit::client::Client;
use pistack_kit::clock::Clock;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use time::OffsetDateTime;

use crate::cli::{Place, TlsCommand};
use crate::commands::peer::block_on;
use crate::config::load::load_file;
use crate::exit::{Code, Failure};
use crate::state;

/// How long the gateway may take to show another certificate.
const NOTICE: Duration = Duration::from_secs(10);
/// Fewer days than these are worth a word.
const SOON: i64 = 21;

/// What a command works with.
struct Scene {
    paths: StatePaths,
    config: Config,
    context: GatewayContext,
    clock: Clock,
}

impl Scene {
    fn of(place: &Place) -> Result<Self, Failure> {
        let paths = state::paths(place)?;
        let file = load_file(crate::serve::configured(place).as_deref())?;
        let clock = Clock::system();
        Ok(Self {
            context: GatewayContext {
                config: file.gateway.clone(),
                routes: file.route.clone(),
                reload: None,
                paths: paths.clone(),
                clock: clock.clone(),
                lifecycle: Lifecycle::new(),
            },
            config: file.gateway,
            paths,
            clock,
        })
    }

    fn certificates(&self) -> Vec<Certificate> {
        pistack_gateway::state(&self.config, &self.paths, &self.clock).certificates
    }
}

/// Runs one of them.
pub(crate) fn tls(place: &Place, command: &TlsCommand) -> Result<Code, Failure> {
    let scene = Scene::of(place)?;
    match command {
        TlsCommand::Status { json } => Ok(status(&scene, *json)),
        TlsCommand::Trust => trust(&scene),
        TlsCommand::Local => local(&scene),
        TlsCommand::Import { certificate, key } => import(&scene, certificate, key),
        TlsCommand::Acme => acme(&scene),
    }
}

fn status(scene: &Scene, json: bool) -> Code {
    let certificates = scene.certificates();
    if json {
        let document = serde_json::json!({ "schema_version": 1, "certificates": certificates });
        crate::output::json(&document);
        return Code::Ok;
    }
    if certificates.is_empty() {
        println!("There is no certificate yet. One is made when the gateway starts for the first time.");
    }
    let mut code = Code::Ok;
    for certificate in &certificates {
        let shown = if certificate.shown { "shown" } else { "not shown" };
        println!("{} ({shown})", title(certificate.kind));
        println!("  File          {}", certificate.path.display());
        if !certificate.names.is_empty() {
            println!("  For           {}", certificate.names.join(" "));
        }
        println!("  Signed by     {}", certificate.issuer);
        println!(
            "  Until         {}",
            until(certificate.not_after, scene.clock.unix())
        );
        println!("  SHA-256       {}", certificate.fingerprint);
        if let Some(problem) = &certificate.problem {
            println!("  ✖ {problem}");
            if certificate.shown {
                code = Code::Failed;
            }
        }
    }
    code
}

fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Root => "Root of the local authority",
        Kind::Local => "This board's certificate from the local authority",
        Kind::Configured => "Your certificate, by [gateway] certificate",
        Kind::Imported => "Your certificate, imported",
        Kind::Acme => "Certificate of a public authority",
    }
}

/// The date, and how far away it is.
fn until(end: i64, now: i64) -> String {
    let date = OffsetDateTime::from_unix_timestamp(end)
        .map_or_else(|_| "?".to_owned(), |end| end.date().to_string());
    match (end - now) / 86_400 {
        days if end <= now => format!("{date}, which was {} days ago", -days),
        days if days < SOON => format!("{date}, in {days} days: it is time to renew it"),
        days => format!("{date}, in {days} days"),
    }
}

fn trust(scene: &Scene) -> Result<Code, Failure> {
    let certificates = scene.certificates();
    let Some(root) = certificates.iter().find(|found| found.kind == Kind::Root) else {
        return Err(Failure::new(
            "there is no local authority yet; it is made when the gateway starts for the first time",
        ));
    };
    if !root.shown {
        println!(
            "This board shows a certificate of your own; the local authority's root is needed by nobody."
        );
        return Ok(Code::Ok);
    }
    println!("Root certificate  {}", root.path.display());
    println!("SHA-256           {}", root.fingerprint);
    println!();
    match address(scene, &certificates) {
        Some(address) => {
            println!("On each device, open this page, compare the fingerprint, and follow its steps:");
            println!();
            println!("  {address}/ca/");
            println!();
            if let Some(code) = pistack_gateway::qr_code(&format!("{address}/ca/")) {
                println!("{code}");
            }
        }
        None => println!(
            "The gateway is not running; `pistack up` starts it, and then a page guides each device."
        ),
    }
    println!("{STEPS}");
    Ok(Code::Ok)
}

/// Where the page is: plain HTTP if there is such a port, by an address in numbers, because phones often do not find
/// names that end in `.local`.
fn address(scene: &Scene, certificates: &[Certificate]) -> Option<String> {
    let bound = Addresses::read(&scene.paths)?;
    let (scheme, socket, usual) = match bound.http {
        Some(http) => ("http", http, 80),
        None => ("https", bound.https, 443),
    };
    let numbers = certificates
        .iter()
        .filter(|found| found.shown && found.kind == Kind::Local)
        .flat_map(|found| &found.names)
        .filter_map(|name| name.parse::<std::net::Ipv4Addr>().ok())
        .find(|address| !address.is_loopback() && !address.is_link_local());
    let host = if socket.ip().is_unspecified() {
        numbers.map_or(bound.name, |address| address.to_string())
    } else {
        socket.ip().to_string()
    };
    Some(if socket.port() == usual {
        format!("{scheme}://{host}")
    } else {
        format!("{scheme}://{host}:{}", socket.port())
    })
}

const STEPS: &str = "\
Without a browser:
  Debian, Ubuntu, Raspberry Pi OS
    sudo cp ca.pem /usr/local/share/ca-certificates/pistack-ca.crt && sudo update-ca-certificates
  Fedora      sudo cp ca.pem /etc/pki/ca-trust/source/anchors/pistack-ca.pem && sudo update-ca-trust
  macOS       sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ca.pem
  Windows     certutil -addstore -user Root ca.pem
  curl        curl --cacert ca.pem https://...
  iPhone, iPad, Android: by the page above";

fn local(scene: &Scene) -> Result<Code, Failure> {
    if scene.config.certificate.is_some() {
        return Err(Failure::new(
            "[gateway] certificate names your own certificate. Remove `certificate` and `key` there to go back to the \
             local authority",
        ));
    }
    scene
        .paths
        .create()
        .map_err(|error| Failure::new(error.to_string()))?;
    let removed = pistack_gateway::remove_imported(&scene.paths)?;
    pistack_gateway::check_certificate(&scene.context).map_err(|error| Failure::new(error.to_string()))?;
    if removed {
        println!("The imported certificate is put aside as imported.pem.old.");
    }
    println!("The local authority's certificate is the board's.");
    notice(scene);
    Ok(Code::Ok)
}

fn import(scene: &Scene, certificate: &Path, key: &Path) -> Result<Code, Failure> {
    if scene.config.certificate.is_some() {
        return Err(Failure::new(
            "[gateway] certificate already names your own certificate, and would win. Change it there, or remove \
             `certificate` and `key` and import again",
        ));
    }
    scene
        .paths
        .create()
        .map_err(|error| Failure::new(error.to_string()))?;
    let imported = pistack_gateway::import(certificate, key, &scene.paths, &scene.clock)
        .map_err(|error| Failure::new(error.to_string()))?;
    println!("Imported for {}", imported.names.join(" "));
    println!(
        "  Until         {}",
        until(imported.not_after, scene.clock.unix())
    );
    println!("  SHA-256       {}", imported.fingerprint);
    notice(scene);
    Ok(Code::Ok)
}

fn acme(scene: &Scene) -> Result<Code, Failure> {
    scene
        .paths
        .create()
        .map_err(|error| Failure::new(error.to_string()))?;
    let path: PathBuf = block_on(async {
        let say = |text: &str| println!("{text}");
        pistack_gateway::obtain_certificate(&scene.config.acme, &scene.paths, &scene.clock, say)
            .await
            .map_err(|error| Failure::new(error.to_string()))
    })?;
    tracing::debug!(path = %path.display(), "obtained");
    notice(scene);
    Ok(Code::Ok)
}

/// Has a running gateway look at its files. One that does not answer looks by itself within a minute.
fn notice(scene: &Scene) {
    let socket = scene.paths.run().join("gateway.sock");
    let asked: Result<bool, Failure> = block_on(async move {
        let request = Request::post("/internal/reload")
            .body(Bytes::new())
            .map_err(|error| Failure::new(error.to_string()))?;
        let answer = Client::unix(socket).send(request, NOTICE).await;
        Ok(answer.is_ok_and(|answer| answer.status().is_success()))
    });
    if matches!(asked, Ok(true)) {
        println!("The running gateway shows it now.");
    } else if Addresses::read(&scene.paths).is_some() {
        println!("The running gateway shows it within a minute.");
    }
}

#[cfg(test)]
mod tests {
    use super::until;

    #[test]
    fn ends_are_told_with_their_distance() {
        let now = 1_800_000_000;
        assert_eq!(until(now + 100 * 86_400, now), "2027-04-25, in 100 days");
        assert!(until(now + 3 * 86_400, now).contains("time to renew"));
        assert!(until(now - 5 * 86_400, now).contains("5 days ago"));
    }
}
