//! What a start would trip over: certificates and ports that the configuration names. Looked at by `config check`; a
//! reload goes on without it, and `up` lets `doctor` look.

use std::path::Path;

use pistack_gateway::{Addresses, Finding};
use pistack_kit::clock::Clock;
use pistack_kit::config::{ConfigErrors, Document};
use pistack_kit::paths::StatePaths;

use crate::commands::peer::block_on;
use crate::config::find::find;
use crate::config::load::load_file;
use crate::exit::Failure;

/// Looks, and names file and line of what is wrong.
pub(crate) fn check_start(named: Option<&Path>, paths: &StatePaths) -> Result<(), Failure> {
    let file = load_file(named)?;
    if !(file.services.enabled && file.services.gateway.enabled) {
        return Ok(());
    }
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(pistack_gateway::check_files(
        &file.gateway,
        Clock::system().unix(),
    ));
    // A running gateway of this place has its ports itself.
    if Addresses::read(paths).is_none() {
        let gateway = file.gateway.clone();
        let port = block_on(async move { Ok(pistack_gateway::check_ports(&gateway).await) })?;
        findings.extend(port);
    }
    if findings.is_empty() {
        return Ok(());
    }
    let document = Document::parse(find(named)?.tables)?;
    let errors = findings.into_iter().map(|finding| {
        let path: Vec<&str> = finding.path.iter().map(String::as_str).collect();
        document.error_at(&path, finding.message, finding.help)
    });
    Err(ConfigErrors(errors.collect()).into())
}
