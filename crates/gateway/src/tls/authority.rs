//! The local certificate authority: P-256, twenty years, and by critical name constraints unable to vouch for
//! anything but this board (its names and addresses when the root was made) and private networks. Who trusts
//! it does not give the web away.

use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use pistack_kit::paths::write_atomic;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{TlsError, days, moment, read};
use crate::names::{Name, Names};

/// How every authority of ours is called, followed by the host.
pub(super) const COMMON_NAME: &str = "pistack CA on ";
/// Life of the root.
const LIFE: i64 = days(20 * 365);
/// How far before the present a root is dated, for devices whose clocks are behind.
const BACK_DATED: i64 = days(365);
/// Names for private use that the root may always vouch for (RFC 6762, RFC 8375, RFC 6761, and custom).
const PRIVATE_NAMES: [&str; 5] = ["local", "lan", "home.arpa", "internal", "localhost"];
/// Private, link-local, shared and loopback networks (RFC 1918, 3927, 6598, 4193, 4291).
const PRIVATE_NETWORKS: [(&str, u8); 9] = [
    ("10.0.0.0", 8),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("169.254.0.0", 16),
    ("100.64.0.0", 10),
    ("127.0.0.0", 8),
    ("fc00::", 7),
    ("fe80::", 10),
    ("::1", 128),
];
const RENEW: &str = "Restore both files from a backup, or remove ca.pem and ca.key to have a new authority made \
                     (every device then has to trust the new ca.pem)";

/// A usable authority.
pub(super) struct Authority {
    path: PathBuf,
    pem: Bytes,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    permitted: Permitted,
}

/// What the root's constraints allow; `None` = no constraint of that kind.
struct Permitted {
    names: Option<Vec<String>>,
    networks: Option<Vec<Vec<u8>>>,
}

impl Authority {
    /// Opens `ca.pem` and `ca.key`, or makes them. The second value tells that the root is new.
    pub(super) fn open_or_make(directory: &Path, now: i64, names: &Names) -> Result<(Self, bool), TlsError> {
        let pem_path = directory.join("ca.pem");
        let key_path = directory.join("ca.key");
        match (read(&pem_path)?, read(&key_path)?) {
            (Some(pem), Some(key)) => {
                keep_private(&key_path);
                Ok((Self::open(pem_path, pem, &key_path, &key, now)?, false))
            }
            (Some(_), None) => Err(broken(&key_path, "the authority's private key is missing")),
            // The key is written first: without a certificate nobody can have trusted it yet, or the
            // certificate was lost and is made again for the same key.
            (None, Some(key)) => {
                let key = parse_key(&key_path, &key)?;
                Ok((Self::make(pem_path, &key, now, names)?, true))
            }
            (None, None) => {
                let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
                write_atomic(&key_path, key.serialize_pem().as_bytes(), 0o600)?;
                Ok((Self::make(pem_path, &key, now, names)?, true))
            }
        }
    }

    fn open(path: PathBuf, pem: Vec<u8>, key_path: &Path, key: &[u8], now: i64) -> Result<Self, TlsError> {
        let key = parse_key(key_path, key)?;
        let der = CertificateDer::from_pem_slice(&pem).map_err(|error| {
            broken(
                &path,
                format!("it holds no whole certificate in PEM form ({error})"),
            )
        })?;
        let (_, parsed) = X509Certificate::from_der(&der)
            .map_err(|error| broken(&path, format!("the certificate in it is damaged ({error})")))?;
        if !parsed.is_ca() {
            return Err(broken(
                &path,
                "its certificate is no authority (basicConstraints CA is not set)",
            ));
        }
        if parsed.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return Err(broken(
                &path,
                format!("{} is not its private key", key_path.display()),
            ));
        }
        if parsed.validity().not_after.timestamp() <= now {
            return Err(broken(
                &path,
                format!("it expired on {}", parsed.validity().not_after),
            ));
        }
        let permitted = Permitted::of(&parsed).map_err(|error| broken(&path, error))?;
        let issuer = Issuer::from_ca_cert_der(&der, key)
            .map_err(|error| broken(&path, format!("it cannot sign certificates ({error})")))?;
        Ok(Self {
            path,
            pem: pem.into(),
            der,
            issuer,
            permitted,
        })
    }

    fn make(path: PathBuf, key: &KeyPair, now: i64, names: &Names) -> Result<Self, TlsError> {
        let certificate = parameters(now, names).self_signed(key)?;
        let pem = certificate.pem().into_bytes();
        write_atomic(&path, &pem, 0o644)?;
        tracing::info!(path = %path.display(), "made a local certificate authority");
        let key_path = path.with_extension("key");
        let key = key.serialize_pem();
        Self::open(path, pem, &key_path, key.as_bytes(), now)
    }

    /// `ca.pem`'s text.
    pub(super) fn pem(&self) -> Bytes {
        self.pem.clone()
    }

    /// The root in DER form.
    pub(super) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Signs with the root's key.
    pub(super) fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    /// The names for a leaf: all configured ones, and of the found ones those that the root may vouch for.
    pub(super) fn leaf_names(&self, names: &Names) -> Result<Vec<Name>, TlsError> {
        if let Some(name) = names.configured.iter().find(|name| !self.permitted.allow(name)) {
            return Err(TlsError::Outside {
                name: name.to_string(),
                authority: self.path.clone(),
            });
        }
        let mut all: Vec<Name> = names.configured.clone();
        all.extend(
            names
                .found
                .iter()
                .filter(|name| self.permitted.allow(name))
                .cloned(),
        );
        all.sort();
        all.dedup();
        Ok(all)
    }
}

impl Permitted {
    fn of(certificate: &X509Certificate<'_>) -> Result<Self, String> {
        let constraints = certificate
            .name_constraints()
            .map_err(|error| format!("its name constraints are damaged ({error})"))?
            .and_then(|extension| extension.value.permitted_subtrees.as_ref());
        let mut permitted = Self {
            names: None,
            networks: None,
        };
        for subtree in constraints.into_iter().flatten() {
            match &subtree.base {
                GeneralName::DNSName(name) => {
                    permitted
                        .names
                        .get_or_insert_default()
                        .push(name.to_ascii_lowercase());
                }
                GeneralName::IPAddress(network) => {
                    permitted.networks.get_or_insert_default().push(network.to_vec());
                }
                _ => {}
            }
        }
        Ok(permitted)
    }

    fn allow(&self, name: &Name) -> bool {
        match name {
            Name::Dns(name) => self
                .names
                .as_ref()
                .is_none_or(|trees| trees.iter().any(|tree| below(name, tree))),
            Name::Address(address) => self
                .networks
                .as_ref()
                .is_none_or(|networks| networks.iter().any(|network| inside(*address, network))),
        }
    }
}

/// RFC 5280 section 4.2.1.10: a DNS constraint covers the name itself and all below it.
fn below(name: &str, tree: &str) -> bool {
    let tree = tree.trim_start_matches('.');
    name.strip_suffix(tree)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// RFC 5280 section 4.2.1.10: an address constraint is the network's bytes followed by its mask's.
fn inside(address: IpAddr, network: &[u8]) -> bool {
    let bytes = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    network.len() == bytes.len() * 2
        && bytes.iter().enumerate().all(|(index, byte)| {
            let mask = network[bytes.len() + index];
            byte & mask == network[index] & mask
        })
}

/// What the new root says about itself.
fn parameters(now: i64, names: &Names) -> CertificateParams {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, format!("{COMMON_NAME}{}", names.primary));
    subject.push(DnType::OrganizationName, "pistack");
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.not_before = moment(now - BACK_DATED);
    params.not_after = moment(now + LIFE);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted_subtrees(names),
        excluded_subtrees: Vec::new(),
    });
    params
}

/// Private names and networks, this board's own host name and addresses, and every configured name.
fn permitted_subtrees(names: &Names) -> Vec<GeneralSubtree> {
    let mut trees: Vec<GeneralSubtree> = PRIVATE_NAMES
        .iter()
        .map(|name| GeneralSubtree::DnsName((*name).to_owned()))
        .collect();
    trees.extend(PRIVATE_NETWORKS.iter().filter_map(|(address, prefix)| {
        Some(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(
            address.parse().ok()?,
            *prefix,
        )))
    }));
    for name in names.found.iter().chain(&names.configured) {
        let tree = match name {
            Name::Dns(name) => GeneralSubtree::DnsName(name.clone()),
            Name::Address(address @ IpAddr::V4(_)) => {
                GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, 32))
            }
            Name::Address(address @ IpAddr::V6(_)) => {
                GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*address, 128))
            }
        };
        if !trees.contains(&tree) {
            trees.push(tree);
        }
    }
    trees
}

fn parse_key(path: &Path, pem: &[u8]) -> Result<KeyPair, TlsError> {
    let text = std::str::from_utf8(pem).map_err(|_| broken(path, "it is no PEM text"))?;
    KeyPair::from_pem(text).map_err(|error| {
        broken(
            path,
            format!("it holds no whole private key in PEM form ({error})"),
        )
    })
}

/// A key that others may read is closed again, and the operator is told.
fn keep_private(path: &Path) {
    let open = std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o077 != 0);
    if open {
        let closed = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).is_ok();
        tracing::warn!(path = %path.display(), closed, "the authority's key was readable by others");
    }
}

fn broken(path: &Path, problem: impl Into<String>) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        problem: problem.into(),
        cure: RENEW.to_owned(),
    }
}
