//! `pistack generate nginx|caddy`: a configuration that puts another web server before the gateway, or in its place.
//!
//! Before it, everything goes on to the gateway's plain port. In its place, calls of the API that bring an access
//! token go straight to the services; what needs the gateway's own work still goes there: the dashboard and its
//! session, API tokens, routes behind the login.

mod caddy;
mod nginx;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pistack_api::service::Service;
use pistack_gateway::Addresses;
use pistack_kit::paths::StatePaths;

use crate::cli::Place;
use crate::config;
use crate::config::file::File;
use crate::exit::{Code, Failure};
use crate::serve::tcp_address;
use crate::state;

/// `pistack generate`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum GenerateCommand {
    /// For nginx 1.22 or newer: one file for /etc/nginx/conf.d or sites-enabled.
    Nginx(GenerateOptions),
    /// For Caddy 2.6 or newer: a Caddyfile.
    Caddy(GenerateOptions),
}

/// Where the other web server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Shape {
    /// Before the gateway: everything goes through it.
    #[default]
    Before,
    /// In its place: the API goes straight to the services.
    Place,
}

/// What the configuration is made for.
#[derive(Debug, Clone, Args)]
pub(crate) struct GenerateOptions {
    /// Before the gateway, or in its place.
    #[arg(long, value_enum, default_value_t)]
    shape: Shape,
    /// A name under which people reach the board; may be given several times. Unset: the board's own names.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// Address to listen on; unset: all.
    #[arg(long, value_name = "ADDR")]
    bind: Option<IpAddr>,
    /// Port for HTTPS.
    #[arg(long, default_value_t = 443, value_name = "PORT")]
    https_port: u16,
    /// Port for plain HTTP, which leads to HTTPS; 0 = none.
    #[arg(long, default_value_t = 80, value_name = "PORT")]
    http_port: u16,
    /// Certificate (PEM); unset: the gateway's own.
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

/// What both forms are written from.
struct Plan {
    shape: Shape,
    names: Vec<String>,
    /// `None` = all addresses.
    bind: Option<IpAddr>,
    https_port: u16,
    http_port: u16,
    certificate: PathBuf,
    key: PathBuf,
    /// The gateway's plain port.
    gateway: SocketAddr,
    /// Prefix and address of what goes straight to a service.
    direct: Vec<(String, SocketAddr)>,
}

/// Prints the configuration.
pub(crate) fn generate(place: &Place, command: &GenerateCommand) -> Result<Code, Failure> {
    let paths = state::paths(place)?;
    let file = config::load::load_file(crate::serve::configured(place).as_deref())?;
    let text = match command {
        GenerateCommand::Nginx(options) => nginx::write(&plan(options, &file, &paths)?),
        GenerateCommand::Caddy(options) => caddy::write(&plan(options, &file, &paths)?),
    };
    print!("{text}");
    Ok(Code::Ok)
}

fn plan(options: &GenerateOptions, file: &File, paths: &StatePaths) -> Result<Plan, Failure> {
    let running = Addresses::read(paths);
    let gateway = gateway(file, running.as_ref())?;
    let leaf = paths.tls().join("leaf.pem");
    let own = |file: Option<&PathBuf>| file.cloned().unwrap_or_else(|| leaf.clone());
    let certificate = options.certificate.as_ref().or(file.gateway.certificate.as_ref());
    let key = options.key.as_ref().or(file.gateway.key.as_ref());
    Ok(Plan {
        shape: options.shape,
        names: names(options, file, running.as_ref())?,
        bind: options.bind,
        https_port: options.https_port,
        http_port: options.http_port,
        certificate: own(certificate),
        key: own(key),
        gateway,
        direct: match options.shape {
            Shape::Before => Vec::new(),
            Shape::Place => direct(file)?,
        },
    })
}

/// The gateway's plain port, as it is bound or as it will be.
fn gateway(file: &File, running: Option<&Addresses>) -> Result<SocketAddr, Failure> {
    if !file.gateway.redirect {
        return Err(Failure::new(
            "[gateway] redirect = false: the gateway has no plain port that another web server could use. Remove it",
        ));
    }
    let address = running.and_then(|running| running.http).or(file.gateway.http);
    let mut address =
        address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], file.gateway.http_fallback)));
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    Ok(address)
}

fn names(
    options: &GenerateOptions,
    file: &File,
    running: Option<&Addresses>,
) -> Result<Vec<String>, Failure> {
    let hosts = file.route.values().flat_map(|route| &route.hosts);
    let names: Vec<String> = if options.names.is_empty() {
        let own = running.map(|running| running.name.clone());
        let all = own.into_iter().chain(file.gateway.names.iter().cloned());
        all.chain(["localhost".to_owned()])
            .chain(hosts.cloned())
            .collect()
    } else {
        options.names.iter().chain(hosts).cloned().collect()
    };
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]*".contains(&byte);
    match names
        .iter()
        .find(|name| name.is_empty() || !name.bytes().all(good))
    {
        Some(bad) => Err(Failure::new(format!("`{bad}` is no host name"))),
        None => Ok(names),
    }
}

/// The services with a port of their own, and the prefixes that lead to them.
fn direct(file: &File) -> Result<Vec<(String, SocketAddr)>, Failure> {
    let all: Vec<(String, SocketAddr)> = Service::PROGRAMS
        .into_iter()
        .filter(|service| *service != Service::Control)
        .filter_map(|service| Some((format!("/api/{service}/"), tcp_address(service, file)?)))
        .filter(|(_, address)| address.port() != 0)
        .collect();
    if all.is_empty() {
        return Err(Failure::new(
            "[services] tcp = false: the services have no ports that another web server could use. Remove it, or \
             write --shape before",
        ));
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
