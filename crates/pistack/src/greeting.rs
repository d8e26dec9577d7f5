//! What `up` tells the person in front of the terminal: progress, then address, setup code and fingerprint.

use std::collections::HashSet;
use std::net::UdpSocket;
use std::time::Duration;

use bytes::Bytes;
use pistack_api::service::Service;
use pistack_gateway::Addresses;
use pistack_kit::client::Client;
use pistack_kit::paths::StatePaths;

/// How long services may take before the person is told to look at the logs.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a service that is not up yet is asked.
const ASK: Duration = Duration::from_millis(15);

/// Waits for the services and the gateway, printing each as it comes up, then prints the greeting.
pub(crate) async fn greet(paths: StatePaths, services: Vec<Service>, gateway: bool) {
    println!("Starting {} ...", paths.root().display());
    let up = tokio::time::timeout(PATIENCE, all_up(&paths, &services, gateway)).await;
    let Ok(address) = up else {
        println!(
            "Not everything is up after {} s. `pistack status` and the files in {} tell more.",
            PATIENCE.as_secs(),
            paths.logs().display()
        );
        return;
    };
    println!();
    println!("pistack is running.");
    let Some(address) = address else { return };
    println!("  Dashboard     {address}/");
    if let Some(number) = by_number(&paths) {
        println!("                {number}/ where that name is not known");
    }
    if let Ok(code) = std::fs::read_to_string(paths.setup_code()) {
        let code = code.trim();
        println!("  Setup code    {code}");
        println!("                open {address}/control/setup#{code} to make the first account");
    }
    if let Ok(fingerprint) = pistack_gateway::fingerprint(&paths.tls().join("ca.pem")) {
        println!(
            "  Certificate   root {} to trust, SHA-256",
            paths.tls().join("ca.pem").display()
        );
        println!("                {fingerprint}");
    }
    println!("  Stop it with  Ctrl-C or `pistack down`");
}

/// Resolves to the dashboard's address once every service answers.
async fn all_up(paths: &StatePaths, services: &[Service], gateway: bool) -> Option<String> {
    let mut waiting: HashSet<Service> = services.iter().copied().collect();
    let mut address = None;
    let mut complaints = Complaints::default();
    while !waiting.is_empty() || (gateway && address.is_none()) {
        for service in services {
            if waiting.contains(service) && is_up(paths, *service).await {
                waiting.remove(service);
                println!("  ✓ {}", service.program());
            }
        }
        if gateway && address.is_none() {
            address = https_address(paths);
            if address.is_some() {
                println!("  ✓ gateway");
            }
        }
        let late = waiting
            .iter()
            .map(|service| service.program())
            .chain(address.is_none().then_some("gateway"));
        complaints.tell(paths, late);
        tokio::time::sleep(ASK).await;
    }
    address
}

/// What services that cannot start wrote as their last words, each told once.
#[derive(Debug, Default)]
struct Complaints(HashSet<String>);

impl Complaints {
    fn tell<'a>(&mut self, paths: &StatePaths, late: impl Iterator<Item = &'a str>) {
        for program in late {
            let log =
                std::fs::read_to_string(paths.logs().join(format!("{program}.log"))).unwrap_or_default();
            let Some(words) = last_words(&log) else { continue };
            let line = format!("  ✖ {program}: {words}");
            if self.0.insert(line.clone()) {
                println!("{line}");
            }
        }
    }
}

/// The reason a program of ours gave for its end: the last line of its log, once it is there to its end.
fn last_words(log: &str) -> Option<&str> {
    log.strip_suffix('\n')?.lines().last()?.strip_prefix("pistack: ")
}

async fn is_up(paths: &StatePaths, service: Service) -> bool {
    let Ok(request) = http::Request::get(format!("/api/{}/health", service.name())).body(Bytes::new()) else {
        return false;
    };
    Client::unix(paths.service_socket(service))
        .send(request, Duration::from_millis(500))
        .await
        .is_ok_and(|answer| answer.status().is_success())
}

/// `https://HOST:PORT` from what the gateway wrote when it was bound.
fn https_address(paths: &StatePaths) -> Option<String> {
    Some(Addresses::read(paths)?.url().trim_end_matches('/').to_owned())
}

/// The same place by number, for networks that do not know the board's name; `None` where it listens on one address
/// only, which the first line then has.
fn by_number(paths: &StatePaths) -> Option<String> {
    let bound = Addresses::read(paths)?.https;
    if !bound.ip().to_canonical().is_unspecified() {
        return None;
    }
    // Connecting a datagram socket sends nothing; it only asks which of our addresses the way out has.
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    Some(if bound.port() == 443 {
        format!("https://{ip}")
    } else {
        format!("https://{ip}:{}", bound.port())
    })
}

#[cfg(test)]
mod tests {
    use super::last_words;

    #[test]
    fn last_words_are_read_when_they_are_complete() {
        assert_eq!(
            last_words("INFO starting\npistack: port in use\n"),
            Some("port in use")
        );
        for not_yet in [
            "",
            "INFO starting\n",
            "INFO starting\npistack: ",
            "INFO starting\npistack: port in",
        ] {
            assert_eq!(last_words(not_yet), None, "{not_yet:?}");
        }
    }
}
