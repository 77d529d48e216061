//! Those who hold what others need and give nothing: strangers that call and say nothing, and a member that never reads.
//! Members still connect, and the nodes trade on.

use wattswap_node::protocol::message::Message;
use wattswap_tests::attacked::{Attacked, Outcome, TRANSPORTS};
use wattswap_tests::bad_member::message;
use wattswap_tests::market::SOON;
use wattswap_tests::process;
use wattswap_tests::silent::Silent;
use wattswap_tests::wait;

/// Calls of a stranger at a time: more than a node takes from one address, and than it once took in all.
const CALLS: usize = 80;
/// Trades of honest members in the meantime.
const ROUNDS: usize = 5;
/// What a node may need for a member that never reads: what waits for it, and what it asked in the meantime (16 MB, and
/// as much again while it is read), with room for the buffers of stream and store.
const UNREAD_MEMORY: u64 = 96 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_that_calls_and_says_nothing_keeps_no_member_out() -> Outcome {
    let mut attacked = Attacked::by(TRANSPORTS.len() + 1)?;
    let _over_tcp = Silent::over_tcp(attacked.place, CALLS).await?;
    let _over_quic = Silent::over_quic(attacked.place, CALLS).await?;
    for over in TRANSPORTS {
        let member = attacked.bad()?;
        assert!(attacked.serves(member.key.identity(), over).await?, "a member was kept out over {over:?}");
    }
    attacked.trades(ROUNDS)?;
    attacked.trades_on()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_never_reads_loses_what_it_asked_for_and_holds_nobody_up() -> Outcome {
    let mut attacked = Attacked::by(TRANSPORTS.len())?;
    let pid = attacked.victim().pid().ok_or("the node runs")?;
    let before = process::resident_bytes(pid)?;
    let mut asking = Vec::new();
    for over in TRANSPORTS {
        let bad = attacked.bad()?;
        let mut rogue = attacked.connect(&bad, over).await?;
        let questions = message(Message::GetHeads).repeat(1_000);
        // Until the node ends the stream, since nothing was taken from it for so long.
        asking.push(tokio::spawn(async move { while rogue.send_raw(&questions).await.is_ok() {} }));
    }
    wait::until("there is no room for answers", SOON, || match attacked.figure("wattswap_lost_messages_total") {
        Ok(lost) if lost > 0 => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    attacked.trades(ROUNDS)?;
    let needed = process::peak_bytes(pid)?.saturating_sub(before);
    assert!(needed < UNREAD_MEMORY, "{needed} bytes more");
    for asking in asking {
        tokio::time::timeout(SOON, asking).await.map_err(|_| "the stream was kept, though nobody reads it")??;
    }
    attacked.trades_on()
}
