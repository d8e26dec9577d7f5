//! What programs take (info service) and how they fared (supervisor service): what the home page shows beside their
//! states. Either may be missing without harm to the page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use pistack_api::service::Service;
use serde::Deserialize;

use super::Call;
use crate::identity::Person;
use crate::spark::Spark;
use crate::state::Dashboard;
use crate::upstream::runs::Run;

/// The info service looks every ten seconds: what was had this long ago is as good as new.
const FRESH: Duration = Duration::from_secs(4);

/// Percent of a processor that the drawing shows at least, so that noise stays small.
const SPARK_LEAST: f32 = 5.0;

/// What one program takes.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Taken {
    name: String,
    /// Of one processor.
    pub(crate) cpu_percent: Option<f64>,
    pub(crate) memory_bytes: Option<u64>,
    /// The last ten minutes.
    pub(crate) cpu: Vec<Option<f32>>,
    /// The last ten minutes.
    pub(crate) memory: Vec<Option<f32>>,
    /// [`Taken::cpu`], drawn once for all pages.
    #[serde(skip)]
    pub(crate) spark: Spark,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Programs {
    programs: Vec<Taken>,
}

/// How one program fared.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Fared {
    name: String,
    /// Within the last day, after an end nobody asked for.
    pub(crate) restarts: usize,
    pub(crate) last: Option<Run>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Digests {
    processes: Vec<Fared>,
}

/// Both, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// By `name` where group and name are equal, else `group:name`.
    taken: Arc<ByName>,
    /// By `group:name`.
    fared: Arc<HashMap<String, Fared>>,
}

impl Usage {
    /// What a process takes.
    pub(crate) fn taken(&self, info: &pistack_api::process::ProcessInfo) -> Option<&Taken> {
        self.taken.get(&info.full_name())
    }

    /// How all of them fared, by `group:name`.
    pub(crate) fn all_fared(&self) -> impl Iterator<Item = (&str, &Fared)> {
        self.fared.iter().map(|(name, fared)| (name.as_str(), fared))
    }

    /// How a process fared.
    pub(crate) fn fared(&self, full: &str) -> Option<&Fared> {
        self.fared.get(full)
    }
}

/// What programs take, by `name` where group and name are equal, else `group:name`.
type ByName = HashMap<String, Taken>;

/// What was had last from the info service: many open pages ask for the same.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Option<(Duration, Arc<ByName>)>>);

/// What is known now, for somebody who sees programs.
pub(crate) async fn usage(dashboard: &Dashboard, person: &Person) -> Usage {
    let (taken, fared) = tokio::join!(taken(dashboard, person), fared(dashboard, person));
    Usage { taken, fared }
}

async fn taken(dashboard: &Dashboard, person: &Person) -> Arc<ByName> {
    use pistack_api::right::{ReadBoard, Right as _};
    if !person.may(ReadBoard::INFO) {
        return Arc::default();
    }
    let now = dashboard.context.clock.monotonic();
    let cache = &dashboard.usage.0;
    if let Some((at, kept)) = &*cache.lock().unwrap_or_else(PoisonError::into_inner)
        && now.saturating_sub(*at) < FRESH
    {
        return Arc::clone(kept);
    }
    let call = call(dashboard, Service::Info, "/api/info/programs", &person.token);
    let programs = call.read::<Programs>(Bytes::new()).await;
    let Ok((_, programs)) = programs else {
        return Arc::default();
    };
    let by_name = |mut one: Taken| {
        one.spark = Spark::new(&one.cpu, SPARK_LEAST);
        (one.name.clone(), one)
    };
    let taken: Arc<HashMap<_, _>> = Arc::new(programs.programs.into_iter().map(by_name).collect());
    *cache.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&taken)));
    taken
}

async fn fared(dashboard: &Dashboard, person: &Person) -> Arc<HashMap<String, Fared>> {
    let call = call(
        dashboard,
        Service::Supervisor,
        "/api/supervisor/runs",
        &person.token,
    );
    let Ok((_, digests)) = call.read::<Digests>(Bytes::new()).await else {
        return Arc::default();
    };
    let by_name = |one: Fared| (one.name.clone(), one);
    Arc::new(digests.processes.into_iter().map(by_name).collect())
}

fn call<'a>(dashboard: &'a Dashboard, service: Service, path: &'a str, token: &'a str) -> Call<'a> {
    Call {
        service,
        client: match service {
            Service::Info => &dashboard.info,
            _ => &dashboard.supervisor,
        },
        method: Method::GET,
        path,
        token: Some(token),
        // Figures are not worth making the whole page wait.
        deadline: dashboard.config.upstream_timeout.0 / 4,
    }
}
