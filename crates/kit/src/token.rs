//! Access tokens as text: Ed25519 JSON Web Signatures (RFC 7515, RFC 8037) of the one kind that we make and
//! take: header exactly `alg` EdDSA, `typ` `at+jwt` (RFC 9068) and a known `kid`.
//!
//! Written over `ring` rather than a general library, because there is nothing to negotiate: no other algorithm
//! exists here that a forged header could choose.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use pistack_api::token::{AccessClaims, Jwk};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::paths::{PathError, write_atomic};

const ALGORITHM: &str = "EdDSA";
const TYPE: &str = "at+jwt";

/// A token longer than this is none of ours; nothing of it is decoded.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The private key that signs access tokens. Auth alone has one (and tests).
#[derive(Debug)]
pub struct SigningKey {
    pair: Ed25519KeyPair,
    kid: String,
}

/// A signing key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The bytes are no Ed25519 key.
    #[error("not an Ed25519 private key in PKCS#8 form")]
    Malformed,
    /// The file is there and holds no key.
    #[error(
        "{}: not an Ed25519 private key. It was left untouched. Restore a copy, or move it aside: a new key is \
         made at the next start, and everyone has to log in again",
        path.display()
    )]
    BadFile {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{}: cannot read the signing key: {source}. Run as the user who owns the file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Unwritable(#[from] PathError),
}

impl SigningKey {
    /// A fresh key and its PKCS#8 text (DER), to be kept in a file of mode 0600.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    pub fn generate() -> (Self, Zeroizing<Vec<u8>>) {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .expect("the operating system gives random bytes");
        let bytes = Zeroizing::new(document.as_ref().to_vec());
        let key = Self::from_pkcs8(&bytes).expect("a key that was just made is well-formed");
        (key, bytes)
    }

    /// The key in a PKCS#8 text (DER).
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes).map_err(|_| KeyError::Malformed)?;
        let kid = thumbprint(pair.public_key().as_ref());
        Ok(Self { pair, kid })
    }

    /// The key kept in `path`. Where there is no file, makes one (mode 0600); a file that holds no key is
    /// reported and left alone.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        match std::fs::read(path) {
            Ok(bytes) => {
                let bytes = Zeroizing::new(bytes);
                Self::from_pkcs8(&bytes).map_err(|_| KeyError::BadFile {
                    path: path.to_owned(),
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (key, bytes) = Self::generate();
                write_atomic(path, &bytes, 0o600)?;
                Ok(key)
            }
            Err(source) => Err(KeyError::Unreadable {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// The key's id: its thumbprint (RFC 7638, SHA-256).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, for the key set.
    pub fn jwk(&self) -> Jwk {
        Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            usage: "sig".to_owned(),
            alg: ALGORITHM.to_owned(),
            kid: self.kid.clone(),
            x: BASE64.encode(self.pair.public_key()),
        }
    }

    /// Signs claims as an access token.
    pub fn sign(&self, claims: &AccessClaims) -> String {
        let header = Header {
            alg: ALGORITHM.to_owned(),
            typ: TYPE.to_owned(),
            kid: self.kid.clone(),
        };
        self.sign_json(&header, claims)
    }

    fn sign_json(&self, header: &impl Serialize, claims: &impl Serialize) -> String {
        let encode =
            |bytes: serde_json::Result<Vec<u8>>| BASE64.encode(bytes.expect("texts and numbers are JSON"));
        let mut token = encode(serde_json::to_vec(header));
        token.push('.');
        token.push_str(&encode(serde_json::to_vec(claims)));
        let signature = self.pair.sign(token.as_bytes());
        token.push('.');
        token.push_str(&BASE64.encode(signature));
        token
    }
}

/// Signs claims as an access token.
pub fn sign(key: &SigningKey, claims: &AccessClaims) -> String {
    key.sign(claims)
}

/// The header that we write and the only one that we take: an unknown member (`crit`, `jku`, `jwk`) is refused.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// A key's id: the SHA-256 thumbprint of its required members in alphabetical order (RFC 7638 section 3,
/// RFC 8037 section 2).
fn thumbprint(public: &[u8]) -> String {
    let text = format!(
        r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#,
        BASE64.encode(public)
    );
    BASE64.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()))
}

/// A public key, ready to verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey([u8; 32]);

impl PublicKey {
    /// The key of a JWK; `None` when it is no Ed25519 signature key.
    pub(crate) fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let fitting = jwk.kty == "OKP" && jwk.crv == "Ed25519" && jwk.alg == ALGORITHM && jwk.usage == "sig";
        let bytes = BASE64.decode(&jwk.x).ok().filter(|_| fitting)?;
        bytes.try_into().ok().map(Self)
    }
}

/// What the text of a token turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// Signed by one of our keys. Its claims say whether it still holds.
    Ours(Box<AccessClaims>),
    /// Shaped like a token of the original (itsdangerous).
    Legacy,
    /// Neither.
    Bad,
}

/// Checks form, header and signature. Knows nothing of time, audience or revocation.
pub(crate) fn open<'k>(token: &str, key: impl FnOnce(&str) -> Option<&'k PublicKey>) -> Opened {
    if token.len() > MAX_TOKEN_BYTES {
        return Opened::Bad;
    }
    let Some(header) = read_header(token) else {
        return if looks_legacy(token) {
            Opened::Legacy
        } else {
            Opened::Bad
        };
    };
    if header.alg != ALGORITHM || header.typ != TYPE {
        return Opened::Bad;
    }
    verified_claims(token, key(&header.kid)).map_or(Opened::Bad, |claims| Opened::Ours(Box::new(claims)))
}

fn read_header(token: &str) -> Option<Header> {
    let (header, _) = token.split_once('.')?;
    serde_json::from_slice(&BASE64.decode(header).ok()?).ok()
}

fn verified_claims(token: &str, key: Option<&PublicKey>) -> Option<AccessClaims> {
    let (message, signature) = token.rsplit_once('.')?;
    let (_, payload) = message.split_once('.')?;
    let signature = BASE64.decode(signature).ok()?;
    UnparsedPublicKey::new(&ED25519, key?.0)
        .verify(message.as_bytes(), &signature)
        .ok()?;
    serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()
}

/// An itsdangerous token (the original's): `body.timestamp.signature`, where the body is JSON that names no
/// `alg`, or starts with `.` when it is compressed; the timestamp is at most 8 bytes, the signature SHA-1 long.
fn looks_legacy(token: &str) -> bool {
    let mut parts = token.rsplitn(3, '.');
    let (Some(signature), Some(time), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let plain = body.strip_prefix('.').unwrap_or(body);
    let is_jwt_header = BASE64
        .decode(plain)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
        .is_some_and(|value| value.get("alg").is_some());
    let base64url = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    !is_jwt_header
        && signature.len() == 27
        && time.len() <= 11
        && [signature, time, plain].into_iter().all(base64url)
}

#[cfg(test)]
mod tests;
