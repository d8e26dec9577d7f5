//! A certificate from a public authority (ACME, RFC 8555), for names of the public DNS.
//!
//! Everything lies in `tls/` of the state directory: `acme.pem` (certificate, chain and key in one file), the account's
//! key in `acme/account.json`, and what port 80 has to show in `acme/challenges/`. `pistack tls acme` and the running
//! gateway go the same way, so that the one's work is the other's.

mod challenge;
mod directory;
mod keep;
mod window;

use std::path::{Path, PathBuf};
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewAccount, Order, OrderStatus, RetryPolicy,
};
use pistack_kit::clock::Clock;
use pistack_kit::paths::{PathError, StatePaths, make_directory, write_atomic};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};

use crate::config::{Acme, Challenge};
use crate::tls::TlsError;
use challenge::Shown;
pub(crate) use challenge::answer;
pub(crate) use keep::keep;

/// How long the authority may take to check and to sign.
const PATIENCE: Duration = Duration::from_mins(2);
/// Orders may not be placed while the clock is before this (2026-01-01): the board has lost the time.
const FLOOR: i64 = 1_767_225_600;

/// Why there is no certificate; every text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// The table asks for something that cannot be.
    #[error("[gateway.acme] {0}")]
    Config(String),
    /// The authority cannot be reached, or refuses.
    #[error("{directory}: {problem}")]
    Authority {
        /// Its address.
        directory: String,
        /// What it said.
        problem: String,
    },
    /// A name was not proven.
    #[error("{domain}: {problem}")]
    Proof {
        /// The name.
        domain: String,
        /// What went wrong.
        problem: String,
    },
    /// The clock is wrong.
    #[error("the clock of this board is before 2026; a certificate is asked for when it is right")]
    Clock,
    /// Files.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Making the key or the request.
    #[error("the request for a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
    /// What came is not what was asked for.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The places of ACME's files.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    tls: PathBuf,
}

impl Places {
    pub(crate) fn new(paths: &StatePaths) -> Self {
        Self { tls: paths.tls() }
    }

    /// Certificate, chain and key.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.tls.join("acme.pem")
    }

    fn account(&self) -> PathBuf {
        self.tls.join("acme").join("account.json")
    }

    fn challenges(&self) -> PathBuf {
        self.tls.join("acme").join("challenges")
    }
}

/// What is wrong with the table, before anybody is asked: the key it is about, what, and the cure.
pub(crate) fn check(acme: &Acme) -> Option<(&'static str, String)> {
    if acme.domains.is_empty() {
        return None;
    }
    let wrong = |key, text: &str| Some((key, text.to_owned()));
    if !acme.agree_to_terms {
        return wrong(
            "agree_to_terms",
            "read the authority's terms of service, and set `agree_to_terms = true`",
        );
    }
    for domain in &acme.domains {
        let name = domain.strip_prefix("*.").unwrap_or(domain);
        if !matches!(name.parse(), Ok(crate::names::Name::Dns(_))) || !name.contains('.') {
            let text = format!("`{domain}` is no name of the public DNS: write `board.example.org`");
            return Some(("domains", text));
        }
        if name != domain && acme.challenge == Challenge::Http01 {
            return Some(("domains", format!("`{domain}` needs `challenge = \"dns-01\"`")));
        }
    }
    match acme.challenge {
        Challenge::Dns01 if acme.hook.is_empty() => wrong(
            "hook",
            "`challenge = \"dns-01\"` needs a `hook` that sets the record",
        ),
        Challenge::Http01 if !acme.hook.is_empty() => wrong(
            "hook",
            "`hook` is for `challenge = \"dns-01\"`; remove it or change the challenge",
        ),
        _ => None,
    }
}

/// Asks for a certificate and puts it into place. `progress` hears what happens, for people.
///
/// # Errors
/// When the table is wrong, the authority cannot be reached or refuses, or a name cannot be proven. What was there
/// stays.
pub async fn obtain(
    acme: &Acme,
    paths: &StatePaths,
    clock: &Clock,
    progress: impl Fn(&str),
) -> Result<PathBuf, AcmeError> {
    if acme.domains.is_empty() {
        return Err(AcmeError::Config(
            "domains: name at least one, such as `domains = [\"board.example.org\"]`".to_owned(),
        ));
    }
    if let Some((key, text)) = check(acme) {
        return Err(AcmeError::Config(format!("{key}: {text}")));
    }
    if clock.unix() < FLOOR {
        return Err(AcmeError::Clock);
    }
    let places = Places::new(paths);
    let failed = |error: &instant_acme::Error| AcmeError::Authority {
        directory: acme.directory.clone(),
        problem: error.to_string(),
    };
    let account = account(acme, &places).await?;
    progress(&format!(
        "asking {} for {}",
        acme.directory,
        acme.domains.join(", ")
    ));
    let names: Vec<Identifier> = acme.domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = window::order(&account, &names, &places.certificate())
        .await
        .map_err(|error| failed(&error))?;
    let mut shown = Vec::new();
    let proven = prove(acme, &places, &mut order, &mut shown, &progress).await;
    for challenge in shown {
        challenge.take_back(acme).await;
    }
    proven?;
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(acme.domains.clone())?;
    params.distinguished_name = DistinguishedName::new();
    let request = params.serialize_request(&key)?;
    order
        .finalize_csr(request.der())
        .await
        .map_err(|error| failed(&error))?;
    let chain = order
        .poll_certificate(&patience())
        .await
        .map_err(|error| failed(&error))?;
    let path = places.certificate();
    let pem = format!("{}\n{}", chain.trim_end(), key.serialize_pem());
    // Looked at before it takes the old one's place.
    crate::tls::check_pair(&path, pem.as_bytes(), clock.unix())?;
    write_atomic(&path, pem.as_bytes(), 0o600)?;
    progress(&format!("the certificate is in {}", path.display()));
    Ok(path)
}

fn patience() -> RetryPolicy {
    RetryPolicy::new().timeout(PATIENCE)
}

/// The account from its file if it is one at this directory, else a new one.
async fn account(acme: &Acme, places: &Places) -> Result<Account, AcmeError> {
    let failed = |error: instant_acme::Error| AcmeError::Authority {
        directory: acme.directory.clone(),
        problem: error.to_string(),
    };
    let http = directory::client(acme.ca_file.as_deref())?;
    let path = places.account();
    if let Some(file) = read_account(&path, &acme.directory) {
        let builder = Account::builder_with_http(http);
        match builder.from_credentials(file).await {
            Ok(account) => return Ok(account),
            Err(error) => return Err(failed(error)),
        }
    }
    let contact = acme.email.as_ref().map(|email| format!("mailto:{email}"));
    let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
    let wanted = NewAccount {
        contact: &contact,
        terms_of_service_agreed: acme.agree_to_terms,
        only_return_existing: false,
    };
    let (account, credentials) = Account::builder_with_http(http)
        .create(&wanted, acme.directory.clone(), None)
        .await
        .map_err(failed)?;
    if let Some(directory) = path.parent() {
        make_directory(directory, 0o700)?;
    }
    let kept = serde_json::json!({ "directory": acme.directory, "credentials": credentials });
    write_atomic(&path, kept.to_string().as_bytes(), 0o600)?;
    Ok(account)
}

fn read_account(path: &Path, directory: &str) -> Option<instant_acme::AccountCredentials> {
    let mut kept: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    if kept["directory"] != directory {
        return None;
    }
    serde_json::from_value(kept["credentials"].take()).ok()
}

/// Proves every name. What was shown for it goes into `shown`, to be taken back whatever happens.
async fn prove(
    acme: &Acme,
    places: &Places,
    order: &mut Order,
    shown: &mut Vec<Shown>,
    progress: &impl Fn(&str),
) -> Result<(), AcmeError> {
    let failed = |error: instant_acme::Error| AcmeError::Authority {
        directory: acme.directory.clone(),
        problem: error.to_string(),
    };
    let kind = match acme.challenge {
        Challenge::Http01 => ChallengeType::Http01,
        Challenge::Dns01 => ChallengeType::Dns01,
    };
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(failed)?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let domain = authorization.identifier().to_string();
        let Some(mut challenge) = authorization.challenge(kind.clone()) else {
            let problem = "the authority does not offer this kind of challenge for it".to_owned();
            return Err(AcmeError::Proof { domain, problem });
        };
        let proof = challenge.key_authorization();
        let made = match acme.challenge {
            Challenge::Http01 => Shown::file(&places.challenges(), &challenge.token, proof.as_str())?,
            Challenge::Dns01 => Shown::record(acme, &domain, &proof.dns_value()).await?,
        };
        shown.push(made);
        if acme.challenge == Challenge::Dns01 {
            tokio::time::sleep(acme.propagation.0).await;
        }
        progress(&format!("the authority checks {domain}"));
        challenge.set_ready().await.map_err(failed)?;
    }
    match order.poll_ready(&patience()).await {
        Ok(OrderStatus::Ready | OrderStatus::Valid) => Ok(()),
        Ok(_) => Err(refused(order, acme).await),
        Err(error) => Err(failed(error)),
    }
}

/// Why the authority found a name not proven.
async fn refused(order: &mut Order, acme: &Acme) -> AcmeError {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let domain = authorization.identifier().to_string();
        let Ok(state) = authorization.refresh().await else {
            continue;
        };
        let problem = state
            .challenges
            .iter()
            .find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = problem {
            let cure = match acme.challenge {
                Challenge::Http01 => {
                    "Port 80 of this board must be reachable from the internet under that name"
                }
                Challenge::Dns01 => {
                    "The hook must set the TXT record; `propagation` says how long it takes to be seen"
                }
            };
            return AcmeError::Proof {
                domain,
                problem: format!("{problem}. {cure}"),
            };
        }
    }
    AcmeError::Authority {
        directory: acme.directory.clone(),
        problem: "the order was found invalid".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_checked_before_anybody_is_asked() {
        let table = |domain: &str| Acme {
            domains: vec![domain.to_owned()],
            agree_to_terms: true,
            ..Acme::default()
        };
        let dns = |domain: &str, hook: &[&str]| Acme {
            challenge: Challenge::Dns01,
            hook: hook.iter().map(|&word| word.to_owned()).collect(),
            ..table(domain)
        };
        assert_eq!(check(&Acme::default()), None, "not asked for");
        assert_eq!(check(&table("board.example.org")), None);
        assert_eq!(check(&dns("*.example.org", &["/bin/hook"])), None);
        let disagreed = Acme {
            agree_to_terms: false,
            ..table("board.example.org")
        };
        for (acme, key) in [
            (disagreed, "agree_to_terms"),
            (table("board"), "domains"),
            (table("192.168.1.7"), "domains"),
            (table("https://board.example.org"), "domains"),
            (table("*.example.org"), "domains"),
            (dns("board.example.org", &[]), "hook"),
        ] {
            assert_eq!(check(&acme).unwrap().0, key, "{acme:?}");
        }
    }
}
