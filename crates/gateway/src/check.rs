//! Looking before the start, for `pistack doctor`: what [`crate::run`] would open, opened and let go again.

use pistack_kit::service::RunError;

use crate::GatewayContext;
use crate::listeners::Listeners;
use crate::tls::Certificates;

/// Opens the certificate, and makes the local one where there is none yet.
///
/// # Errors
/// As [`crate::run`] would fail.
pub fn check_certificate(context: &GatewayContext) -> Result<(), RunError> {
    let (certificates, _) = Certificates::open(&context.config, &context.paths, &context.clock)?;
    certificates.server_config()?;
    Ok(())
}

/// Binds the addresses and lets them go.
///
/// # Errors
/// As [`crate::run`] would fail.
pub async fn check_addresses(context: &GatewayContext) -> Result<(), RunError> {
    Listeners::bind(&context.config).await?;
    Ok(())
}
