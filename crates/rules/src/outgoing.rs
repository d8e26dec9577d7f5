//! Requests to the outside: one POST, answered within bounds, to an address that was checked.
//!
//! A name is resolved once; the connection goes to one of the addresses that passed the check, so that a name server
//! which answers differently the second time gains nothing. A redirect is followed only to the same kind of request
//! (307, 308), and its target is checked in the same way.

mod address;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, LOCATION, RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::channel::message::Post;

pub use address::is_public;

/// Whether a PEM file holds certificates to trust.
///
/// # Errors
/// Names the file and what is wrong.
pub fn check_authority(path: &Path) -> Result<(), Failure> {
    tls::check(path)
}

/// So much of an answer is read.
const MOST_ANSWER: usize = 64 * 1024;
/// So much of a refusal's text is repeated.
const MOST_REPEATED: usize = 300;
/// Redirects that are followed.
const MOST_REDIRECTS: usize = 3;
/// `Retry-After` beyond this is cut down to it.
const MOST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// How a request is made.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Whether private addresses are allowed.
    pub private: bool,
    /// Certificates to trust in place of the public ones.
    pub ca_file: Option<&'a Path>,
    /// For everything: resolving, connecting, TLS, sending, the answer.
    pub timeout: Duration,
}

/// It did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// Why, for the person.
    pub reason: String,
    /// Trying again would not help.
    pub permanent: bool,
    /// The other side's wish.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// Trying again would not help.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            permanent: true,
            retry_after: None,
        }
    }

    /// May work later.
    pub fn later(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            permanent: false,
            retry_after: None,
        }
    }
}

/// Sends `post`; gives the status and the beginning of the answer's text. The URL is never part of a failure's text:
/// with some services it is the password.
pub async fn send(post: &Post, rules: Rules<'_>) -> Result<(StatusCode, String), Failure> {
    tokio::time::timeout(rules.timeout, follow(post, rules, &SystemNames))
        .await
        .unwrap_or_else(|_| {
            Err(Failure::later(format!(
                "no answer within {} s",
                rules.timeout.as_secs_f32()
            )))
        })
}

/// Resolves names; the tests bring names of their own.
trait Names {
    async fn addresses(&self, name: &str, port: u16) -> std::io::Result<Vec<SocketAddr>>;
}

struct SystemNames;

impl Names for SystemNames {
    async fn addresses(&self, name: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, port)).await?.collect())
    }
}

async fn follow(post: &Post, rules: Rules<'_>, names: &impl Names) -> Result<(StatusCode, String), Failure> {
    let first = parse(&post.url, rules.private).map_err(Failure::permanent)?;
    let mut url = first.clone();
    for _ in 0..=MOST_REDIRECTS {
        let same_place = url.origin() == first.origin();
        let answer = once(&url, post, same_place, rules, names).await?;
        let status = answer.status();
        if !status.is_redirection() {
            return judge(answer).await;
        }
        url = redirected(&url, &answer, rules.private)?;
    }
    Err(Failure::permanent(format!(
        "more than {MOST_REDIRECTS} redirects"
    )))
}

/// A URL that may be asked: https, or http where private addresses are allowed; without user and password.
pub fn parse(text: &str, private: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("this is no URL: {error}"))?;
    match url.scheme() {
        "https" => {}
        "http" if private => {}
        "http" => {
            return Err(
                "http:// sends in clear text; write https://, or private = true for a server at home".into(),
            );
        }
        other => return Err(format!("`{other}:` is not supported; write https://...")),
    }
    if url.host().is_none() {
        return Err("the URL names no host".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "a user name or password in the URL would end up in logs; use a header field or a file".into(),
        );
    }
    if let (false, Some(ip)) = (private, literal(&url))
        && !is_public(ip)
    {
        return Err(format!(
            "{ip} is on a private network; allow it with private = true"
        ));
    }
    Ok(url)
}

fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(ip) => Some(ip.into()),
        Host::Ipv6(ip) => Some(ip.into()),
        Host::Domain(_) => None,
    }
}

/// Where a redirect leads: 307 and 308 only, never from https to http.
fn redirected<B>(url: &Url, answer: &Response<B>, private: bool) -> Result<Url, Failure> {
    let status = answer.status();
    if !matches!(status.as_u16(), 307 | 308) {
        return Err(Failure::permanent(format!(
            "the address answers {status}, a redirect that turns the message into a mere look; write the address to which it leads"
        )));
    }
    let target = answer
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| url.join(text).ok())
        .ok_or_else(|| Failure::permanent("the address redirects to nowhere"))?;
    if url.scheme() == "https" && target.scheme() == "http" {
        return Err(Failure::permanent("the address redirects from https to http"));
    }
    parse(target.as_str(), private)
        .map_err(|reason| Failure::permanent(format!("the address redirects, and {reason}")))
}

async fn once(
    url: &Url,
    post: &Post,
    same_place: bool,
    rules: Rules<'_>,
    names: &impl Names,
) -> Result<Response<hyper::body::Incoming>, Failure> {
    let port = url.port_or_known_default().unwrap_or(443);
    let stream = connect(url, port, rules.private, names).await?;
    let request = request(url, post, same_place)?;
    if url.scheme() == "https" {
        let name = url.host_str().unwrap_or_default();
        let stream = tls::handshake(name, stream, rules.ca_file).await?;
        exchange(stream, request).await
    } else {
        exchange(stream, request).await
    }
}

/// Connects to one of the addresses that pass the check.
async fn connect(url: &Url, port: u16, private: bool, names: &impl Names) -> Result<TcpStream, Failure> {
    let host = url.host_str().unwrap_or_default();
    let all: Vec<SocketAddr> = match literal(url) {
        Some(ip) => vec![SocketAddr::new(ip, port)],
        None => names
            .addresses(host, port)
            .await
            .map_err(|error| Failure::later(format!("{host} cannot be resolved: {error}")))?,
    };
    let fit = |address: &&SocketAddr| private || is_public(address.ip());
    let mut last = None;
    for address in all.iter().filter(fit) {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Without it the message might wait for more to come.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = Some(format!("{host} ({address}) cannot be reached: {error}")),
        }
    }
    match (last, all.first()) {
        (Some(reason), _) => Err(Failure::later(reason)),
        (None, None) => Err(Failure::later(format!("{host} has no address"))),
        (None, Some(address)) => Err(Failure::permanent(format!(
            "{host} leads to {}, which is on a private network; allow it with private = true",
            address.ip()
        ))),
    }
}

/// Credentials stay at the place for which they were written.
fn request(url: &Url, post: &Post, same_place: bool) -> Result<Request<Full<Bytes>>, Failure> {
    let bad = |error: http::Error| Failure::permanent(format!("this cannot be asked for: {error}"));
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let mut request = Request::post(target)
        .header(HOST, host)
        .header(
            USER_AGENT,
            HeaderValue::from_static(concat!("pistack/", env!("CARGO_PKG_VERSION"))),
        )
        .body(Full::new(post.body.clone()))
        .map_err(bad)?;
    for (name, value) in &post.headers {
        let is_ours = name.as_str().starts_with("x-hook-") || name == http::header::CONTENT_TYPE;
        if same_place || (is_ours && name != AUTHORIZATION) {
            request.headers_mut().append(name, value.clone());
        }
    }
    Ok(request)
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Response<hyper::body::Incoming>, Failure> {
    let broken = |error: hyper::Error| Failure::later(format!("the conversation broke off: {error}"));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // Ends with the sender, which is dropped with the answer.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    sender.send_request(request).await.map_err(broken)
}

/// 2xx is well; 408, 425, 429 and 5xx may be well later; everything else never.
async fn judge(answer: Response<hyper::body::Incoming>) -> Result<(StatusCode, String), Failure> {
    let status = answer.status();
    let retry_after = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(|seconds| Duration::from_secs(seconds).min(MOST_RETRY_AFTER));
    let text = match Limited::new(answer.into_body(), MOST_ANSWER).collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        // What was said in the head counts.
        Err(_) => String::new(),
    };
    let text = crate::channel::message::one_line(&text, MOST_REPEATED);
    if status.is_success() {
        return Ok((status, text));
    }
    let reason = if text.is_empty() {
        format!("refused with {status}")
    } else {
        format!("refused with {status}: {text}")
    };
    let later = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    Err(Failure {
        reason,
        permanent: !later,
        retry_after: retry_after.filter(|_| later),
    })
}

#[cfg(test)]
mod tests;
