//! What the handlers share.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use pistack_api::service::Service;
use pistack_kit::clock::Clock;
use pistack_kit::service::Context;

use crate::addresses::External;
use crate::config::{BadUrl, Config, outside};
use crate::fetch::Fetcher;
use crate::history::History;
use crate::metrics::Sources;
use crate::network::Network;
use crate::process_list::ProcessList;
use crate::programs::Programs;
use crate::reachability::Reach;
use crate::read::files::Tree;
use crate::sampler::Sampler;
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
    pub(crate) tree: Tree,
    pub(crate) state_dir: PathBuf,
    pub(crate) sampler: Sampler,
    pub(crate) history: History,
    pub(crate) network: Network,
    pub(crate) process_list: ProcessList,
    pub(crate) programs: Programs,
    pub(crate) reach: Reach,
    pub(crate) sources: Sources,
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
        let (clock, tree) = (&context.clock, Tree::new(&config.sysroot));
        let state_dir = context.paths.root().to_owned();
        Ok(Self(Arc::new(Shared {
            clock: clock.clone(),
            fetcher: Fetcher::default(),
            external: External::new(urls, timeout),
            forecasts: Forecasts::new(config)?,
            sampler: Sampler::new(&tree, state_dir.clone(), clock),
            history: History::new(context.paths.database(Service::Info), clock, &tree),
            network: Network::new(&tree),
            process_list: ProcessList::new(&tree),
            programs: Programs::new(&tree, clock),
            reach: Reach::new(config.reachability_host.clone()),
            sources: Sources::new(&context.paths),
            state_dir,
            tree,
        })))
    }
}
