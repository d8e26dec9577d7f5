//! What every request needs, made once at start.

use std::sync::Arc;

use pistack_api::service::Service;
use pistack_kit::client::Client;
use pistack_kit::service::Context;

use crate::config::Config;
use crate::live::Newsroom;
use crate::pending::Pending;
use crate::upstream::info::Boards;
use crate::upstream::programs::Looks;
use crate::upstream::usage::Cache;

/// The dashboard's shared state. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Dashboard(Arc<Inner>);

/// What is inside.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) context: Context,
    pub(crate) config: Config,
    pub(crate) auth: Client,
    pub(crate) supervisor: Client,
    pub(crate) info: Client,
    pub(crate) io: Client,
    pub(crate) rules: Client,
    /// The gateway's own socket; it asks for no token.
    pub(crate) gateway: Client,
    pub(crate) pending: Pending,
    pub(crate) usage: Cache,
    pub(crate) looks: Looks,
    pub(crate) boards: Boards,
    pub(crate) newsroom: Newsroom,
}

impl Dashboard {
    /// Clients to the other services over their unix sockets; nothing is connected yet.
    pub(crate) fn new(context: Context, mut config: Config) -> Self {
        let client = |service| Client::unix(context.paths.service_socket(service));
        config.log_bytes = config.log_bytes.clamp(1024, 1024 * 1024);
        Self(Arc::new(Inner {
            auth: client(Service::Auth),
            supervisor: client(Service::Supervisor),
            info: client(Service::Info),
            io: client(Service::Io),
            rules: client(Service::Rules),
            gateway: Client::unix(context.paths.run().join("gateway.sock")),
            pending: Pending::default(),
            usage: Cache::default(),
            looks: Looks::default(),
            boards: Boards::default(),
            newsroom: Newsroom::default(),
            context,
            config,
        }))
    }
}

impl std::ops::Deref for Dashboard {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
