//! What the handlers share.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use pistack_kit::clock::Clock;
use pistack_kit::service::Context;

use crate::addresses::External;
use crate::config::{BadUrl, Config, outside};
use crate::fetch::Fetcher;
use crate::weather::Forecasts;

/// Handle on the service's state. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Info(Arc<Shared>);

/// Behind the handle.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) fetcher: Fetcher,
    pub(crate) external: External,
    pub(crate) forecasts: Forecasts,
    pub(crate) sysroot: PathBuf,
    pub(crate) state_dir: PathBuf,
}

impl Deref for Info {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Info {
    /// The state for `config`.
    pub(crate) fn new(context: &Context, config: &Config) -> Result<Self, BadUrl> {
        let timeout = config.timeout.0;
        let urls = if config.external_ip {
            &*config.external_ip_urls
        } else {
            &[]
        };
        let urls = urls.iter().map(|url| outside(url)).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Shared {
            clock: context.clock.clone(),
            fetcher: Fetcher::default(),
            external: External::new(urls, timeout),
            forecasts: Forecasts::new(outside(&config.weather_url)?, timeout),
            sysroot: config.sysroot.clone(),
            state_dir: context.paths.root().to_owned(),
        })))
    }
}
