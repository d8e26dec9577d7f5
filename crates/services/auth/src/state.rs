//! What the handlers of this service share, how it is built, and how changes become visible.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use pistack_api::auth::TokenAnswer;
use pistack_api::token::Revocation;
use pistack_kit::clock::Clock;
use pistack_kit::guard::Guard;
use pistack_kit::lifecycle::Lifecycle;
use pistack_kit::paths::StatePaths;
use pistack_kit::random;
use pistack_kit::service::Context;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::accounts::Moment;
use crate::api_tokens;
use crate::audit::Audit;
use crate::clock_keeping::{self, TimeKeeper};
use crate::config::Config;
use crate::cookies::CookieCache;
use crate::daily_copy::{self, DailyCopy};
use crate::directory::{Directory, User};
use crate::error::Error;
use crate::feed::Feed;
use crate::grace::Grace;
use crate::key_ring::KeyRing;
use crate::legacy::{self, Legacy};
use crate::password::Hasher;
use crate::privileges::{Privileges, RightsByUser};
use crate::reauth::Authentications;
use crate::reset::{self, Reset};
use crate::seal::Seal;
use crate::second_factor::Tries;
use crate::setup::SetupCode;
use crate::stack_events::StackEvents;
use crate::store::{self, Store, Tx, revocations, rights, users};
use crate::throttle::Throttle;
use crate::tokens::Issuer;
use crate::{cookies, key_rotation};

/// Seconds that a revocation outlives the tokens it ends: the verifiers' leeway and then some.
const REVOCATION_MARGIN_SECONDS: i64 = 60;
/// Seconds between two prunings of the database.
const PRUNE_EVERY_SECONDS: i64 = 3600;

/// The service.
#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) paths: StatePaths,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) store: Store,
    pub(crate) time: TimeKeeper,
    pub(crate) daily_copy: DailyCopy,
    pub(crate) reset: Reset,
    pub(crate) directory: Directory,
    pub(crate) hasher: Hasher,
    pub(crate) throttle: Throttle,
    pub(crate) issuer: Issuer,
    pub(crate) guard: Arc<Guard>,
    pub(crate) feed: Feed,
    pub(crate) grace: Grace,
    pub(crate) cookies: CookieCache,
    pub(crate) setup_code: SetupCode,
    pub(crate) rights: RightsByUser,
    pub(crate) authentications: Authentications,
    pub(crate) audit: Audit,
    pub(crate) stack_events: StackEvents,
    pub(crate) token_uses: api_tokens::Uses,
    pub(crate) seal: Seal,
    pub(crate) tries: Tries,
    /// What the board is called, for the entry in an authenticator program.
    pub(crate) place: String,
    /// Held while users change and while they are read anew, so that no older state replaces a newer one.
    changing: Arc<Mutex<()>>,
    pruned_at: AtomicI64,
    told_of_legacy: AtomicBool,
}

/// A change of users under way.
#[derive(Debug)]
pub(crate) struct Changing {
    /// The transaction to work in.
    pub(crate) tx: Tx,
    held: OwnedMutexGuard<()>,
}

impl Auth {
    /// Reads key, users and revocations; makes what the first start has to make.
    pub(crate) async fn open(context: &Context, config: &Config) -> Result<Arc<Self>, Error> {
        config.check()?;
        context.paths.create()?;
        let clock = context.clock.clone();
        if config.clock_is_right {
            clock.take_word();
        }
        let config = &without_published_secret(config);
        let store = Store::open(&context.paths, config).await?;
        let time = TimeKeeper::open(&clock, context.paths.clock_record(), &store).await?;
        let issuer = open_issuer(context, &store).await?;
        context.guard.set_keys(&issuer.keys());
        let auth = Arc::new(Self {
            config: config.clone(),
            hasher: Hasher::new(config.argon2_memory_kib)?,
            throttle: Throttle::new(clock.clone()),
            feed: Feed::new(clock.clone(), issuer.keys()),
            issuer,
            guard: Arc::clone(&context.guard),
            grace: Grace::new(clock.clone()),
            cookies: CookieCache::default(),
            setup_code: SetupCode::new(context.paths.setup_code()),
            directory: Directory::default(),
            rights: RightsByUser::default(),
            authentications: Authentications::new(clock.clone()),
            audit: Audit::new(clock.clone()),
            stack_events: StackEvents::new(&context.paths, context.lifecycle.clone()),
            token_uses: api_tokens::Uses::default(),
            seal: Seal::load_or_create(&context.paths.secrets().join("seal.key"))?,
            tries: Tries::new(clock.clone()),
            place: host_name(),
            lifecycle: context.lifecycle.clone(),
            changing: Arc::default(),
            pruned_at: AtomicI64::new(clock.unix()),
            told_of_legacy: AtomicBool::new(false),
            paths: context.paths.clone(),
            daily_copy: DailyCopy::plan(&store, &clock),
            reset: Reset::new(&context.paths, clock.clone())?,
            time,
            store,
            clock,
        });
        let mut tx = auth.store.begin().await?;
        store::prune(&mut tx, auth.clock.unix()).await?;
        tx.commit().await?;
        auth.reload().await?;
        reset::look_for_file(&auth).await?;
        Ok(auth)
    }

    /// The time of a change made now.
    pub(crate) fn moment(&self) -> Moment {
        moment(&self.clock, &self.config)
    }

    /// Begins a change of users. Others wait until it is finished or dropped.
    pub(crate) async fn begin_change(&self) -> Result<Changing, Error> {
        let held = Arc::clone(&self.changing).lock_owned().await;
        Ok(Changing {
            tx: self.store.begin().await?,
            held,
        })
    }

    /// Commits a change, shows it and tells the others. Runs on although the client hangs up meanwhile: what is
    /// in the database must be what is shown.
    pub(crate) async fn finish_change(
        self: &Arc<Self>,
        change: Changing,
        revocation: Option<Revocation>,
    ) -> Result<(), Error> {
        let auth = Arc::clone(self);
        let finish = async move {
            let Changing { tx, held } = change;
            tx.commit().await?;
            if let Some(revocation) = &revocation {
                auth.announce(revocation);
            }
            auth.read_directory().await?;
            drop(held);
            Ok(())
        };
        run_to_the_end(finish).await
    }

    /// Commits a transaction that ends a session, and tells the others; runs on like
    /// [`Auth::finish_change`].
    pub(crate) async fn finish_session(
        self: &Arc<Self>,
        tx: Tx,
        revocation: Revocation,
    ) -> Result<(), Error> {
        let auth = Arc::clone(self);
        run_to_the_end(async move {
            tx.commit().await?;
            auth.announce(&revocation);
            Ok(())
        })
        .await
    }

    /// The same for several sessions.
    pub(crate) async fn finish_sessions(
        self: &Arc<Self>,
        tx: Tx,
        revocations: Vec<Revocation>,
    ) -> Result<(), Error> {
        let auth = Arc::clone(self);
        run_to_the_end(async move {
            tx.commit().await?;
            for revocation in &revocations {
                auth.announce(revocation);
            }
            Ok(())
        })
        .await
    }

    /// Reads users and revocations anew, for when the console changed them.
    pub(crate) async fn reload(&self) -> Result<(), Error> {
        let _held = self.changing.lock().await;
        key_rotation::reread(self)?;
        self.read_directory().await
    }

    /// Reads anew only if the database says that something changed. A file that nobody has written to since `seen` is
    /// not even asked: the code that asks would otherwise stay in memory for this alone.
    async fn reload_if_changed(&self, seen: &mut Option<store::Stamp>) -> Result<(), Error> {
        // taken before the database is asked, so that a write in between is found by the next look
        let stamp = self.store.stamp();
        if stamp.is_some() && stamp == *seen {
            return Ok(());
        }
        self.compare_generation().await?;
        *seen = stamp;
        Ok(())
    }

    async fn compare_generation(&self) -> Result<(), Error> {
        let generation = store::generation(&mut *self.store.read().await?).await?;
        if generation == self.directory.generation() {
            Ok(())
        } else {
            self.reload().await
        }
    }

    async fn read_directory(&self) -> Result<(), Error> {
        let mut connection = self.store.read().await?;
        let generation = store::generation(&mut connection).await?;
        let everyone = users::all(&mut connection).await?;
        let granted = rights::all(&mut connection).await?;
        let revoked = revocations::live(&mut connection, self.clock.unix()).await?;
        drop(connection);
        self.rights.replace(granted);
        self.directory.replace(generation, everyone);
        for revocation in &revoked {
            self.announce(revocation);
        }
        self.setup_code.keep(self.directory.is_empty())
    }

    fn announce(&self, revocation: &Revocation) {
        if self.feed.add(revocation) {
            self.guard.revoke(revocation);
        }
    }

    /// Forgets what expired, at most once an hour. Belongs into transactions that write anyway.
    pub(crate) async fn prune_sometimes(&self, tx: &mut Tx) -> Result<(), Error> {
        let (now, last) = (self.clock.unix(), self.pruned_at.load(Ordering::Relaxed));
        if now.saturating_sub(last) < PRUNE_EVERY_SECONDS {
            return Ok(());
        }
        self.pruned_at.store(now, Ordering::Relaxed);
        store::prune(tx, now).await
    }

    /// The answer to login, refresh and setup.
    pub(crate) fn answer(&self, user: &User, sid: &str, refresh_token: String) -> TokenAnswer {
        let expires_in = self.config.access_token_seconds;
        TokenAnswer {
            access_token: self
                .issuer
                .access(user, sid, expires_in, self.privileges(user, sid)),
            refresh_token,
            token_type: "Bearer".to_owned(),
            expires_in,
            user: user.public(),
        }
    }

    /// What a login's tokens say beyond who it is.
    pub(crate) fn privileges(&self, user: &User, sid: &str) -> Privileges {
        Privileges::of_login(&self.rights.get(&user.id), self.authentications.recent(sid))
    }

    /// Writes the audit record until the process stops.
    pub(crate) async fn write_audit(self: Arc<Self>) {
        self.audit
            .write(self.store.clone(), self.lifecycle.stopped())
            .await;
    }

    /// True for a token of the original. Says so in the log, once.
    pub(crate) fn is_legacy(&self, token: &str) -> bool {
        let secret = self
            .config
            .legacy_secret
            .as_ref()
            .map(crate::config::LegacySecret::expose);
        let Some(kind) = legacy::recognise(token, secret) else {
            return false;
        };
        if !self.told_of_legacy.swap(true, Ordering::Relaxed) {
            let signed = match kind {
                Legacy::Signed => "signed with the given AUTH_SECRET",
                Legacy::Shape => "not signed with the given AUTH_SECRET, or none is given",
            };
            tracing::warn!(
                signed,
                "a client still holds a token of the original; it has to log in again"
            );
        }
        true
    }

    /// Notices what the console changed when its word did not arrive: often at first, while the socket may not
    /// be open yet, then at every beat. Ends when the process stops.
    pub(crate) async fn watch_for_changes(self: Arc<Self>) {
        const OFTEN: Duration = Duration::from_millis(500);
        let mut rounds = 0_u32;
        let mut seen = None;
        loop {
            let pause = if rounds < 20 {
                OFTEN
            } else {
                self.clock.until_beat()
            };
            rounds = rounds.saturating_add(1);
            tokio::select! {
                () = self.lifecycle.stopped() => return self.time.record().await,
                () = tokio::time::sleep(pause) => {}
            }
            if let Err(error) = clock_keeping::look(&self).await {
                tracing::error!(%error, "cannot follow the clock");
            }
            daily_copy::look(&self).await;
            if let Err(error) = key_rotation::look(&self).await {
                tracing::error!(%error, "cannot replace the key that signs access tokens");
            }
            if let Err(error) = self.reload_if_changed(&mut seen).await {
                tracing::error!(%error, "cannot look for changes of users");
            }
        }
    }
}

/// The time of a change made now, and until when tokens given out before it could still be valid.
pub(crate) fn moment(clock: &Clock, config: &Config) -> Moment {
    let now = clock.unix();
    let longest = config.access_token_seconds.max(cookies::TOKEN_SECONDS);
    Moment {
        now,
        until: now + longest + REVOCATION_MARGIN_SECONDS,
    }
}

/// The machine's name, as far as it is fit to be shown.
fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c))
        .take(40)
        .collect()
}

/// Runs `work` as a task of its own, so that it is finished even if the caller is dropped.
pub(crate) async fn run_to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work)
        .await
        .map_err(|error| Error::Internal(format!("a change was cut short: {error}")))?
}

/// The configuration without an `AUTH_SECRET` that everybody knows: what was signed with it proves nothing.
fn without_published_secret(config: &Config) -> Config {
    let mut config = config.clone();
    let secret = config
        .legacy_secret
        .as_ref()
        .map(crate::config::LegacySecret::expose);
    if let Some(hash) = secret.and_then(legacy::published) {
        tracing::warn!(
            sha256 = hash,
            "AUTH_SECRET is refused: it was published with the original. Remove it from the environment and .env"
        );
        config.legacy_secret = None;
    }
    config
}

/// The installation's id and key. An installation without an id starts for the first time.
async fn open_issuer(context: &Context, store: &Store) -> Result<Issuer, Error> {
    let mut tx = store.begin().await?;
    let known = store::meta(&mut tx, "issuer").await?;
    let ring = KeyRing::load(&context.paths, known.is_none(), context.clock.unix())?;
    let name = if let Some(name) = known {
        name
    } else {
        let name = random::uuid().to_string();
        store::set_meta(&mut tx, "issuer", &name).await?;
        name
    };
    tx.commit().await?;
    Ok(Issuer::new(ring, name, context.clock.clone()))
}
