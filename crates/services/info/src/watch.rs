//! What runs on while the service does: the sampler, the history's commits, news of the network, the supervised
//! programs.

use std::time::Duration;

use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use crate::programs;
use crate::sampler::EVERY;
use crate::state::Info;

/// Between two attempts to hear of changes to the network.
const MONITOR_PAUSE: Duration = Duration::from_mins(1);

/// Starts everything. It ends with the process; the minute that is under way is stored then.
pub(crate) fn start(info: &Info, paths: &StatePaths, lifecycle: &Lifecycle) {
    let completed = std::sync::Arc::new(Notify::new());
    let (state, life, minute) = (info.clone(), lifecycle.clone(), std::sync::Arc::clone(&completed));
    lifecycle.spawn(async move { sample(&state, &life, &minute).await });
    let (state, life) = (info.clone(), lifecycle.clone());
    lifecycle.spawn(async move { store(&state, &life, &completed).await });
    let (state, life) = (info.clone(), lifecycle.clone());
    lifecycle.spawn(async move {
        tokio::select! {
            () = monitor(&state) => {}
            () = life.stopped() => {}
        }
    });
    let (state, life, paths) = (info.clone(), lifecycle.clone(), paths.clone());
    lifecycle.spawn(async move {
        tokio::select! {
            () = programs::follow(&state.programs, &paths) => {}
            () = life.stopped() => {}
        }
    });
}

/// One timer for everything: the processor wakes up once.
async fn sample(info: &Info, lifecycle: &Lifecycle, completed: &Notify) {
    let mut timer = tokio::time::interval(EVERY);
    timer.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let every = (programs::EVERY.as_millis() / EVERY.as_millis()).max(1);
    for tick in 0_u128.. {
        tokio::select! {
            _ = timer.tick() => {}
            () = lifecycle.stopped() => return,
        }
        if info.sampler.sample() {
            completed.notify_one();
        }
        if tick % every == 1 {
            info.programs.sample();
        }
    }
}

/// One commit a minute, beside the sampler: a card that stalls does not hold it up.
async fn store(info: &Info, lifecycle: &Lifecycle, completed: &Notify) {
    loop {
        tokio::select! {
            () = completed.notified() => info.history.store(&info.sampler).await,
            () = lifecycle.stopped() => break,
        }
    }
    info.sampler.finish_minute();
    info.history.store(&info.sampler).await;
    info.history.close().await;
}

async fn monitor(info: &Info) {
    let mut told = false;
    loop {
        match info.network.watch().await {
            // A copy of a file tree has no news.
            Ok(()) => return,
            Err(error) if !std::mem::replace(&mut told, true) => {
                tracing::info!(%error, "no news of the network from the kernel: it is asked each time");
            }
            Err(_) => {}
        }
        tokio::time::sleep(MONITOR_PAUSE).await;
    }
}
