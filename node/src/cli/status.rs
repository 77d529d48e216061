//! `status`: how the node is, and its neighbours.

use wattswap_api::dto::community::{Contradiction, Peer, Peers, Phase, Status};

use super::Outcome;
use super::context::Context;
use super::output::{self, Column};

/// What to show.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Also each neighbour
    #[arg(long)]
    peers: bool,
}

pub(super) fn carry_out(args: Args, context: &Context) -> Outcome {
    let client = context.client()?;
    let status: Status = client.get("/status")?;
    let peers = if args.peers { Some(client.get::<Peers>("/peers")?.peers) } else { None };
    if context.json() {
        output::json(&status)?;
        return Ok(peers.iter().flatten().try_for_each(output::json)?);
    }
    show(&status, context)?;
    peers.map_or(Ok(()), |peers| show_peers(&peers, context))
}

fn show(status: &Status, context: &Context) -> Outcome {
    let phase = match status.phase {
        Phase::Comparing => "compares its log with its neighbours' copies; orders wait until that is done",
        Phase::Trading => "trades",
        Phase::Restoring => {
            "found that its store is not the newest, cancelled its open orders, and trades on in a new log soon"
        }
        Phase::Alone => "hears no neighbour; orders wait until it does",
        Phase::ClockAhead => "waits, because its clock is ahead of its neighbours'; set the clock",
        Phase::LogAhead => {
            "waits, because it has signed later words than its clock shows; if the clock is behind, set it right"
        }
        Phase::NotAMember => "does not trade: the charter does not list this household; ask an operator",
        Phase::Convicted => "does not trade: it was proved that this household's key signed what contradicts itself",
        Phase::Stopping => "is shutting down",
    };
    let log = status.log.as_ref();
    let log = log.map_or_else(|| "nothing signed yet".to_owned(), |log| format!("{} entries", log.seq + 1));
    let lines = [
        format!("This node {phase}."),
        format!("household   {}", status.member),
        format!("community   {}", status.community),
        format!("charter     {}", status.charter),
        format!("neighbours  {} of {} connected", status.peers_connected, status.members.saturating_sub(1)),
        format!("orders      {} open, {} proposals in doubt", status.open_orders, status.proposals_in_doubt),
        format!("own log     {log}"),
        format!("book        {}", output::short(&status.book_digest.to_string())),
        format!(
            "running     since {}, version {}",
            output::clock(status.started_at.0, &context.zone()),
            status.version
        ),
    ];
    output::text(&lines.join("\n"))?;
    for address in &status.addresses {
        output::text(&format!("address     {address}/p2p/{}", status.peer_id))?;
    }
    Ok(())
}

fn show_peers(peers: &[Peer], context: &Context) -> Outcome {
    use Column::{Number, Words};
    let zone = context.zone();
    let rows = peers.iter().map(|peer| {
        let entries = peer.logs.iter().map(|log| log.seq + 1).sum::<u64>();
        let state = match peer.convicted_of {
            Some(of) => convicted_of(of),
            None if !peer.is_member => "no member any more",
            None if peer.connected_since.is_some() => "connected",
            None => "away",
        };
        [
            output::short(&peer.member.to_string()).to_owned(),
            peer.name.clone(),
            state.to_owned(),
            peer.last_heard.as_ref().map(|at| output::clock(at.0, &zone)).unwrap_or_default(),
            entries.to_string(),
        ]
    });
    let columns = [Words("household"), Words("name"), Words("state"), Words("last heard"), Number("entries")];
    Ok(output::table(columns, rows, "no neighbours in the charter yet")?)
}

fn convicted_of(of: Contradiction) -> &'static str {
    match of {
        Contradiction::Fork => "convicted: two versions of its log",
        Contradiction::BrokenBeacon => "convicted: an entry that it had denied",
        Contradiction::TwoAcceptances => "convicted: two answers to one proposal",
        Contradiction::AcceptedAndRefused => "convicted: yes and no to one proposal",
        Contradiction::Overfilled => "convicted: gave more than it had ordered",
        Contradiction::GivenTwice => "convicted: gave the same energy twice",
        Contradiction::AcceptedAfterCancel => "convicted: gave what it had cancelled",
        Contradiction::TooManyLogs => "convicted: began too many logs",
    }
}
