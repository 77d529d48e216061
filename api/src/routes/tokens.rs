//! Access tokens: make, list, revoke.

use std::future::Future;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Shared;
use crate::auth::{Owner, mint};
use crate::dto::ids::TokenName;
use crate::dto::token::{MintedToken, NewToken, Token, Tokens};
use crate::extract::{Body, Path};
use crate::port::Unavailable;
use crate::problem::{Problem, ProblemJson};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct TokenPath {
    /// The token's public id.
    id: TokenName,
}

/// Make a token. It is shown in this answer and never again.
#[utoipa::path(
    post, path = "/api/v1/tokens", operation_id = "create_token", tag = "tokens",
    security(("token" = ["owner"])), request_body = NewToken,
    responses(
        (status = 201, description = "The token: keep it.", body = MintedToken),
        (status = 409, description = "There are too many tokens (`too_many_tokens`).",
         body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    State(app): State<Shared>,
    _: Owner,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, [(HeaderName, &'static str); 1], Json<MintedToken>), Problem> {
    let (text, token) = mint(new.role.0, new.label.0.0, app.household.new_secret()?);
    let record = finish(&app, |app| async move { app.keyring.add(&*app.household, token).await }).await??;
    let no_copies = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, no_copies, Json(MintedToken::new(text, record))))
}

/// List the tokens that are not revoked, without their secrets.
#[utoipa::path(
    get, path = "/api/v1/tokens", operation_id = "list_tokens", tag = "tokens",
    security(("token" = ["owner"])),
    responses((status = 200, description = "The tokens.", body = Tokens))
)]
pub(crate) async fn list(State(app): State<Shared>, _: Owner) -> Result<Json<Tokens>, Problem> {
    let tokens = app.household.tokens().await?.into_iter().map(Token::from).collect();
    Ok(Json(Tokens { tokens }))
}

/// Revoke a token. It is refused from now on, and live streams that it opened end.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", operation_id = "revoke_token", tag = "tokens",
    security(("token" = ["owner"])), params(TokenPath),
    responses(
        (status = 204, description = "The token is revoked."),
        (status = 404, description = "There is no such token.",
         body = ProblemJson, content_type = "application/problem+json"),
        (status = 409, description = "It is the last owner's token (`last_owner_token`).",
         body = ProblemJson, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn revoke(
    State(app): State<Shared>,
    _: Owner,
    Path(path): Path<TokenPath>,
) -> Result<StatusCode, Problem> {
    finish(&app, move |app| async move { app.keyring.revoke(&*app.household, path.id.0).await }).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Runs a change to its end even if the caller hangs up: store and keyring must not part ways.
async fn finish<T, F>(app: &Shared, change: impl FnOnce(Shared) -> F) -> Result<T, Unavailable>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    tokio::spawn(change(Arc::clone(app))).await.map_err(|_| Unavailable::Stopping)
}
