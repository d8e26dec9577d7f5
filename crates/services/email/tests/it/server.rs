//! A mail server that misbehaves on request.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What goes wrong, and where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// This greeting.
    Banner(&'static str),
    /// This answer to MAIL.
    Mail(&'static str),
    /// Hangs up in place of an answer to MAIL.
    DropAtMail,
    /// Hangs up in the middle of the mail.
    DropInMail,
    /// Hangs up in place of the answer to the mail, which it has kept or not.
    DropAfterMail(bool),
    /// Says nothing after the mail, which it has kept or not.
    SilentAfterMail(bool),
    /// Every answer takes this many milliseconds.
    Slow(u64),
    /// This answer to RCPT.
    Rcpt(&'static str),
    /// This answer to the mail itself.
    Data(&'static str),
    /// No banner.
    Silent,
    /// A banner, then nothing.
    SilentAfterBanner,
    /// Hangs up in place of an answer to DATA.
    DropAtData,
    /// Speaks another protocol.
    Garbage,
}

/// The certificate that a server shows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Certificate {
    /// Signed by itself.
    #[default]
    Itself,
    /// Signed by itself and marked as a CA's, as `openssl req -x509` does.
    MarkedAsCa,
    /// Signed by a root of its own.
    Root,
}

struct Shown {
    leaf: rcgen::Certificate,
    root: rcgen::Certificate,
    key: KeyPair,
}

fn shown(certificate: Certificate, wrong: bool) -> Shown {
    let key = KeyPair::generate().unwrap();
    let names = if wrong {
        vec!["other.example.org".to_owned()]
    } else {
        vec!["localhost".to_owned(), "127.0.0.1".to_owned()]
    };
    let mut params = CertificateParams::new(names).unwrap();
    if let Certificate::Root = certificate {
        let root_key = KeyPair::generate().unwrap();
        let mut root_params = CertificateParams::default();
        root_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = root_params.self_signed(&root_key).unwrap();
        let leaf = params
            .signed_by(&key, &Issuer::new(root_params, root_key))
            .unwrap();
        return Shown { leaf, root, key };
    }
    if let Certificate::MarkedAsCa = certificate {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let leaf = params.self_signed(&key).unwrap();
    Shown {
        root: leaf.clone(),
        leaf,
        key,
    }
}

/// How a server is set up.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) fault: Fault,
    /// Offer STARTTLS.
    pub(crate) starttls: bool,
    /// What it shows.
    pub(crate) certificate: Certificate,
    /// TLS from the first byte.
    pub(crate) implicit: bool,
    /// `user:password` that is asked for.
    pub(crate) login: Option<&'static str>,
    /// How many conversations the fault spoils; 0: every one.
    pub(crate) times: usize,
    /// A certificate for another name.
    pub(crate) wrong_certificate: bool,
}

/// One conversation's traces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) mail: String,
    pub(crate) encrypted: bool,
}

pub(crate) struct Server {
    pub(crate) port: u16,
    /// The certificate's root, PEM.
    pub(crate) ca: String,
    /// SHA-256 of the certificate that it shows.
    pub(crate) fingerprint: String,
    taken: Arc<Mutex<Vec<Taken>>>,
    clear: Arc<Mutex<Vec<String>>>,
    conversations: Arc<AtomicUsize>,
    listening: tokio::task::AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Server {
    pub(crate) async fn start(setup: Setup) -> Self {
        Self::start_at(0, setup).await
    }

    /// At a port that is known beforehand.
    pub(crate) async fn start_at(port: u16, setup: Setup) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shown = shown(setup.certificate, setup.wrong_certificate);
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(shown.key.serialize_der()));
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![shown.leaf.der().clone()], private)
                .unwrap();
        let (taken, clear, conversations) = (Arc::default(), Arc::default(), Arc::default());
        let mut talk = Talk {
            fault: Fault::None,
            logged_in: false,
            setup: Arc::new(setup),
            taken: Arc::clone(&taken),
            clear: Arc::clone(&clear),
            mail: Taken::default(),
        };
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let counter: Arc<AtomicUsize> = Arc::clone(&conversations);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::SeqCst);
                talk.fault = if talk.setup.times == 0 || number < talk.setup.times {
                    talk.setup.fault
                } else {
                    Fault::None
                };
                let mut talk = talk.clone();
                let acceptor = acceptor.clone();
                // A broken conversation is what some tests want.
                tokio::spawn(async move {
                    if talk.setup.implicit {
                        talk.mail.encrypted = true;
                        let stream = acceptor.accept(stream).await?;
                        return talk.run(stream, true).await.map(drop);
                    }
                    if let Some(stream) = talk.run(stream, true).await? {
                        talk.mail.encrypted = true;
                        let stream = acceptor.accept(stream).await?;
                        talk.run(stream, false).await?;
                    }
                    Ok::<_, std::io::Error>(())
                });
            }
        });
        Self {
            port,
            ca: shown.root.pem(),
            fingerprint: ring::digest::digest(&ring::digest::SHA256, shown.leaf.der())
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02X}"))
                .collect::<Vec<_>>()
                .join(":"),
            taken,
            clear,
            conversations,
            listening: listening.abort_handle(),
        }
    }

    /// How many connections there were.
    pub(crate) fn conversations(&self) -> usize {
        self.conversations.load(Ordering::SeqCst)
    }

    /// The mails taken so far.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// All lines that came without encryption.
    pub(crate) fn clear(&self) -> Vec<String> {
        self.clear.lock().unwrap().clone()
    }
}

#[derive(Clone)]
struct Talk {
    fault: Fault,
    logged_in: bool,
    setup: Arc<Setup>,
    taken: Arc<Mutex<Vec<Taken>>>,
    clear: Arc<Mutex<Vec<String>>>,
    mail: Taken,
}

impl Talk {
    /// Talks until the end, or until STARTTLS: then gives the stream back.
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: S,
        banner: bool,
    ) -> std::io::Result<Option<S>> {
        let mut stream = BufReader::new(stream);
        if !self.greet(&mut stream, banner).await? {
            return Ok(None);
        }
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            if !self.mail.encrypted {
                self.clear.lock().unwrap().push(line.trim_end().to_owned());
            }
            let answer = match line.split([' ', '\r']).next().unwrap_or_default() {
                "EHLO" => self.ehlo(),
                "STARTTLS" => {
                    stream.write_all(b"220 go ahead\r\n").await?;
                    return Ok(Some(stream.into_inner()));
                }
                "AUTH" => self.auth(&line),
                "MAIL" if self.setup.login.is_some() && !self.logged_in => {
                    "530 5.7.0 log in first\r\n".into()
                }
                "MAIL" if self.fault == Fault::DropAtMail => return Ok(None),
                "MAIL" if matches!(self.fault, Fault::Mail(_)) => {
                    let Fault::Mail(answer) = self.fault else {
                        unreachable!()
                    };
                    format!("{answer}\r\n")
                }
                "MAIL" => {
                    self.mail.from = argument(&line);
                    self.mail.to.clear();
                    self.mail.mail.clear();
                    "250 ok\r\n".into()
                }
                "RSET" => {
                    self.recover();
                    "250 ok\r\n".into()
                }
                "RCPT" => {
                    let address = argument(&line);
                    if let Fault::Rcpt(answer) = self.fault {
                        format!("{answer}\r\n")
                    } else if address.starts_with("nobody") {
                        "550 5.1.1 no such user\r\n".into()
                    } else if address.starts_with("full") {
                        "452 4.2.2 mailbox full\r\n".into()
                    } else {
                        self.mail.to.push(argument(&line));
                        "250 ok\r\n".into()
                    }
                }
                "DATA" if self.fault == Fault::DropAtData => return Ok(None),
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    self.data(&mut stream).await?
                }
                "QUIT" => "221 bye\r\n".into(),
                _ => "502 what?\r\n".into(),
            };
            if let Fault::Slow(millis) = self.fault {
                tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
            }
            stream.write_all(answer.as_bytes()).await?;
        }
    }

    /// The first words. False: there is nothing more to say.
    async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut BufReader<S>,
        banner: bool,
    ) -> std::io::Result<bool> {
        match self.fault {
            Fault::Silent => std::future::pending().await,
            Fault::Banner(text) => {
                stream.write_all(format!("{text}\r\n").as_bytes()).await?;
                return Ok(false);
            }
            Fault::Garbage => stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?,
            _ if banner => stream.write_all(b"220 fake ESMTP\r\n").await?,
            _ => {}
        }
        if self.fault == Fault::SilentAfterBanner {
            std::future::pending::<()>().await;
        }
        Ok(true)
    }

    /// The next mail over this connection is treated well.
    fn recover(&mut self) {
        if self.setup.times > 0 {
            self.fault = Fault::None;
        }
    }

    fn ehlo(&self) -> String {
        let mut answer = "250-fake\r\n".to_owned();
        if self.setup.starttls && !self.mail.encrypted {
            answer.push_str("250-STARTTLS\r\n");
        }
        if self.setup.login.is_some() {
            answer.push_str("250-AUTH PLAIN\r\n");
        }
        answer + "250-SMTPUTF8\r\n250 8BITMIME\r\n"
    }

    fn auth(&mut self, line: &str) -> String {
        let given = line.split_whitespace().nth(2).unwrap_or_default();
        // base64 of "\0user\0secret".
        if self.setup.login == Some("user:secret") && given == "AHVzZXIAc2VjcmV0" {
            self.logged_in = true;
            return "235 welcome\r\n".into();
        }
        "535 5.7.8 bad credentials\r\n".into()
    }

    async fn data<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        stream: &mut BufReader<S>,
    ) -> std::io::Result<String> {
        let mut line = String::new();
        while line != ".\r\n" {
            self.mail.mail.push_str(&line);
            if self.fault == Fault::DropInMail {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        if let Fault::Data(answer) = self.fault {
            self.recover();
            return Ok(format!("{answer}\r\n"));
        }
        let kept = !matches!(
            self.fault,
            Fault::DropAfterMail(false) | Fault::SilentAfterMail(false)
        );
        if kept {
            self.taken.lock().unwrap().push(self.mail.clone());
        }
        match self.fault {
            Fault::DropAfterMail(_) => return Err(std::io::ErrorKind::ConnectionReset.into()),
            Fault::SilentAfterMail(_) => std::future::pending::<()>().await,
            _ => {}
        }
        Ok("250 2.0.0 queued\r\n".into())
    }
}

/// `<x>` of `RCPT TO:<x>`.
fn argument(line: &str) -> String {
    line.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}

impl Taken {
    fn header(&self, name: &str) -> String {
        let start = format!("{name}: ");
        let line = self.mail.lines().find_map(|line| line.strip_prefix(&*start));
        line.unwrap_or_default().to_owned()
    }

    pub(crate) fn subject(&self) -> String {
        self.header("Subject")
    }

    pub(crate) fn message_id(&self) -> String {
        self.header("Message-ID")
    }
}
