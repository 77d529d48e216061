//! `token`: make, list and revoke access tokens.

use clap::ValueEnum;
use wattswap_api::dto::text::{Text, TextValue as _};
use wattswap_api::dto::token::{Label, MintedToken, NewToken, Tokens};
use wattswap_api::port::Role;

use super::Outcome;
use super::context::Context;
use super::output::{self, Column};

/// What to do with tokens.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a token. It is shown once: the node keeps only its hash
    Create {
        /// What its bearer may do
        #[arg(long)]
        role: RoleArg,
        /// What you call it, for example the device that will use it
        #[arg(long, value_parser = label)]
        label: Label,
    },
    /// List the tokens that are not revoked
    List,
    /// Revoke a token, from now on
    Revoke {
        /// Its id, as `wattswap token list` shows it
        id: String,
    },
}

/// What a token's bearer may do.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum RoleArg {
    /// Everything
    Owner,
    /// Push meter readings, and nothing else
    Meter,
    /// Read, and change nothing
    Viewer,
}

impl Command {
    pub(super) fn carry_out(self, context: &Context) -> Outcome {
        match self {
            Self::Create { role, label } => create(role, label, context),
            Self::List => list(context),
            Self::Revoke { id } => revoke(&id, context),
        }
    }
}

fn create(role: RoleArg, label: Label, context: &Context) -> Outcome {
    let role = match role {
        RoleArg::Owner => Role::Owner,
        RoleArg::Meter => Role::Meter,
        RoleArg::Viewer => Role::Viewer,
    };
    let token = NewToken { role: Text(role), label: Text(label) };
    let minted: MintedToken = context.client()?.post("/tokens", &[], &token)?;
    if context.json() {
        return Ok(output::json(&minted)?);
    }
    output::text(&format!("{}\nKeep it: it is not shown again. Its id is {}.", minted.token, minted.id))?;
    Ok(())
}

fn list(context: &Context) -> Outcome {
    use Column::Words;
    let Tokens { tokens } = context.client()?.get("/tokens")?;
    if context.json() {
        return Ok(tokens.iter().try_for_each(output::json)?);
    }
    let zone = context.zone();
    let rows = tokens.into_iter().map(|token| {
        let made = output::clock(token.created_at.0, &zone);
        [token.id.to_string(), token.role.to_string(), token.label, format!("...{}", token.last_four), made]
    });
    let columns = [Words("token"), Words("role"), Words("label"), Words("ends in"), Words("made")];
    Ok(output::table(columns, rows, "no tokens")?)
}

fn revoke(id: &str, context: &Context) -> Outcome {
    context.client()?.delete::<()>(&format!("/tokens/{id}"))?;
    if !context.json() {
        output::text(&format!("Token {id} is revoked."))?;
    }
    Ok(())
}

fn label(text: &str) -> Result<Label, String> {
    Label::parse(text).map_err(|malformed| malformed.to_string())
}
