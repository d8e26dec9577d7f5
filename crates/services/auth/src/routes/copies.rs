//! `/api/auth/copies`: the copies of the database of accounts, listed and made. They stay on the board: who holds one
//! holds every password's hash.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use pistack_api::problem::ProblemBody;
use pistack_api::token::Level;
use pistack_kit::database::backup::{self, Copy};
use pistack_kit::problem::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::actor::{Person, RecentAdmin};
use crate::audit::Event;
use crate::error::{Error, requires};
use crate::sessions::Origin;
use crate::state::Auth;

/// One copy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CopyView {
    /// Its number; a later one is greater.
    #[schema(example = 42)]
    number: u64,
    /// The file on the board.
    #[schema(example = "/var/lib/pistack/backup/auth.000042.sqlite3")]
    path: String,
    /// Its size in bytes.
    bytes: u64,
    /// When it was made, seconds since 1970, as the file says; absent where it does not.
    made_at: Option<i64>,
}

/// The copies that there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CopiesAnswer {
    /// False where the accounts lie on a database server, which is backed up there.
    supported: bool,
    /// How many are kept.
    kept: usize,
    /// Newest first.
    copies: Vec<CopyView>,
}

impl CopyView {
    fn of(copy: &Copy) -> Self {
        let metadata = std::fs::metadata(&copy.path).ok();
        let made_at = metadata.as_ref().and_then(|found| {
            let since = found.modified().ok()?.duration_since(std::time::UNIX_EPOCH);
            i64::try_from(since.ok()?.as_secs()).ok()
        });
        Self {
            number: copy.number,
            path: copy.path.display().to_string(),
            bytes: metadata.map_or(0, |found| found.len()),
            made_at,
        }
    }
}

/// Lists the copies of the database of accounts, newest first. One is made every day. Takes Root.
#[utoipa::path(
    get,
    path = "/api/auth/copies",
    tag = "copies",
    responses((status = 200, description = "The copies.", body = CopiesAnswer))
)]
pub(crate) async fn list_copies(
    State(auth): State<Arc<Auth>>,
    Person(actor): Person,
) -> Result<Answer<CopiesAnswer>, Problem> {
    if actor.user.level < Level::Root {
        return Err(requires(Level::Root).into());
    }
    let file = auth.store.file();
    let copies = file.map(backup::copies).unwrap_or_default();
    Ok(Answer(CopiesAnswer {
        supported: file.is_some(),
        kept: backup::KEPT,
        copies: copies.iter().map(CopyView::of).collect(),
    }))
}

/// Makes a copy now; the oldest beyond the number that is kept goes. Takes Root and a login of the last ten minutes.
#[utoipa::path(
    post,
    path = "/api/auth/copies",
    tag = "copies",
    responses(
        (status = 201, description = "The new copy.", body = CopyView),
        (status = 409, description = "The accounts lie on a database server.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create_copy(
    State(auth): State<Arc<Auth>>,
    RecentAdmin(actor): RecentAdmin,
    origin: Origin,
) -> Result<(StatusCode, Answer<CopyView>), Problem> {
    if actor.user.level < Level::Root {
        return Err(requires(Level::Root).into());
    }
    let Some(file) = auth.store.file() else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no_copies",
            "the accounts lie on a database server",
        )
        .detail("Back the database up on its server."));
    };
    let copy = backup::make(file).await.map_err(|error| {
        tracing::error!(%error, "the copy of the database of accounts failed; older copies are kept");
        Problem::from(Error::Internal(error.to_string()))
    })?;
    let view = CopyView::of(&copy);
    auth.audit.record(
        Event::new("copy.make")
            .by(&actor.user)
            .from(&origin)
            .detail(&view.path),
    );
    Ok((StatusCode::CREATED, Answer(view)))
}
