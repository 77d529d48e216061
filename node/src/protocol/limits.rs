//! Every bound that a peer, an owner or a meter can run into, with the reason for its number.

use std::time::Duration;

use wattswap_matching::{UtcMillis, WattHours};

/// Members of a community: one low-voltage area.
pub const MAX_MEMBERS: usize = 1_000;
/// Operators of a community: more than a committee can't agree anyway.
pub const MAX_OPERATORS: usize = 15;
/// Named fees of a shape.
pub const MAX_FEES: usize = 8;
/// Bytes of a name in a charter.
pub const MAX_NAME_BYTES: usize = 64;
/// Ops of an entry: a whole day repriced at once, a cancel and a place for each of 96 slots, twice over.
pub const MAX_OPS: usize = 384;
/// Bytes of a signed entry: the most ops with room for some dozens of fills (about 700 bytes each).
pub const MAX_ENTRY_BYTES: usize = 64 * 1024;
/// Bytes of any other signed statement of a household; the longest, a proposal, has about 450.
pub const MAX_WORD_BYTES: usize = 1024;
/// Bytes of a signed governance record: a thousand members of at most 130 bytes, and the signatures.
pub const MAX_GOVERNANCE_BYTES: usize = 192 * 1024;
/// Seals that one governance record can hold.
pub const MAX_SEALS: usize = 256;
/// Links of `prev` over which a good signature vouches for the entries before it.
pub const MAX_CHAIN: usize = 256;
/// Entries of one range: what one signature can vouch for.
pub const MAX_RANGE: u16 = 256;
/// Bytes of the entries of one range: keeps the answer below the message limit and the stream responsive.
pub const MAX_RANGE_BYTES: usize = 512 * 1024;
/// Governance records of one answer.
pub const MAX_GOVERNANCE_RECORDS: usize = 4;
/// Bytes of a message to a peer: the longest is a proof that somebody has begun too many logs, with an entry of each.
pub const MAX_MESSAGE_BYTES: usize = 1280 * 1024;
/// Bytes of a gossiped message: an entry, or a fork proof of two single entries.
pub const MAX_GOSSIP_BYTES: usize = 256 * 1024;
/// Logs per author: a home that lost its store more often than this needs a new key.
pub const MAX_INCARNATIONS: usize = 16;
/// Logs that a household begins itself: fewer, since it may have forgotten some that only a neighbour who is away holds,
/// and one too many would convict it.
pub const MAX_OWN_LOGS: usize = 12;
/// Heads in one message: all members with some spare incarnations each (about 90 bytes a head).
pub const MAX_HEADS: usize = 8_000;
/// Proofs in one message.
pub const MAX_PROOFS: usize = 16;
/// `Place` ops of one author for one slot in one log: more than twelve repricings an hour for a whole day ahead.
pub const MAX_PLACES_PER_SLOT: usize = 1_024;
/// Entries by which a log may grow in an hour, by its own times: eighteen a second...
pub const MAX_ENTRIES_PER_HOUR: usize = 65_536;
/// ...and their bytes. By estimate: a home needs about a megabyte, nodes under the load of tests some dozens.
pub const MAX_BYTES_PER_HOUR: usize = 128 << 20;
/// What a household leaves of both, which is more than it writes in one turn: an entry too many would end its log.
pub const LEAVE_ENTRIES_PER_HOUR: usize = 1_024;
/// See [`LEAVE_ENTRIES_PER_HOUR`]: with each of the most requests cancelled and placed anew.
pub const LEAVE_BYTES_PER_HOUR: usize = 16 << 20;
/// Entries of one log whose time has not come or whose charter is not known yet. Of each log, since which ones were refused
/// for all logs together would depend on which came first. At a start with a clock that is behind, all that the store holds
/// of later times waits.
pub const MAX_WAITING_ENTRIES: usize = 64;
/// Ranges asked of one peer at the same time.
pub const MAX_RANGES_IN_FLIGHT: usize = 8;
/// Ranges that one peer is given in a turn, and that are looked at of one: as many as honest ones ask for, and as many
/// pieces of evidence.
pub const MAX_RANGES_PER_TURN: usize = 2 * MAX_RANGES_IN_FLIGHT;
/// A range that has not come by then is asked of somebody else.
pub const RANGE_TIMEOUT: Duration = Duration::from_secs(10);
/// Entries of one log that a node passes on though it lacks those before them, until it has some of those: as many as come
/// while a home that missed one asks for it. Their author can't be held to the pace of its log by who does not hold it.
pub const MAX_PASSED_ON: u8 = 32;
/// A log speaks up at least this often, so that silence means something.
pub const BEACON_INTERVAL: Duration = Duration::from_secs(10);
/// But all members together no more often than this: everybody hears each beacon several times. Whether a peer lives, and
/// what its clock shows, summaries say as well.
pub const BEACON_PACE: Duration = Duration::from_millis(100);
/// Orders of members that were not heard from for this long are skipped...
pub const SILENT_AFTER: Duration = Duration::from_secs(35);
/// ...or, if no connection to them is open, and beacons come seldom in a large community, for so many of their beacons.
pub const MISSED_BEACONS: u32 = 3;
/// Summaries are exchanged at least this often, since gossip may lose anything.
pub const SUMMARY_INTERVAL: Duration = Duration::from_secs(15);
/// Asking a peer where its logs end takes this much time a member, about as long as 9 kB/s take for the answer; so many
/// are asked before that counts.
pub const HEADS_PACE: Duration = Duration::from_millis(10);
/// See [`HEADS_PACE`]: as many as a start compares itself with, and one more.
pub const HEADS_AT_ONCE: u32 = 4;
/// A request waits this long for a counterparty that is busy with another take of ours: some round trips of a slow
/// network, which a better price is worth.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// A member with whom no connection came about is called again after so long, and not waited for until then.
pub const CALL_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// An unanswered proposal is sent again this often: a lost message must not cost a trade.
pub const RESEND_INTERVAL: Duration = Duration::from_secs(2);
/// Peers that a node compares its own heads with before it signs anything (fewer in smaller communities).
pub const PEERS_TO_COMPARE: usize = 3;
/// A taker's copy of a trade counts alone only if it was written this soon after the gate.
pub const COPY_COUNTS_FOR: Duration = Duration::from_secs(24 * 3600);
/// Logs are kept this long after all that they say is over, at the least: whoever joins, or was away, asks by a clock of
/// its own.
pub const KEEP_LOGS_AT_LEAST: Duration = Duration::from_secs(24 * 3600);
/// How often a node looks for parts of logs that it need not keep.
pub const CUT_LOGS_EVERY: Duration = Duration::from_secs(3600);
/// A start waits this long at most for own logs of before that peers say they hold more of: a season's log takes seconds,
/// and a peer that lies must not keep a household from trading.
pub const FETCH_OWN_LOGS_FOR: Duration = Duration::from_secs(60);
/// A log whose last word is dated no further ahead of the clock than this is waited for; a new one would be for good.
pub const WAIT_FOR_LOG: Duration = Duration::from_secs(600);
/// Requests of the owner that are live at one time: some hundreds for each of about 200 open slots.
pub const MAX_LIVE_REQUESTS: usize = 100_000;
/// Orders of one request: it is split when a part that was in doubt comes free again.
pub const MAX_ORDERS_PER_REQUEST: usize = 64;
/// Takes that one matching pass of a request plans.
pub const MAX_TAKES_PER_PASS: usize = 64;
/// The last millisecond of the year 9999: every time has an RFC 3339 text and fits a JSON number.
pub const MAX_TIME: UtcMillis = UtcMillis(253_402_300_799_999);
/// Numbers of entries and heights of records: one a millisecond for 285,000 years, and exact in any JSON.
pub const MAX_SEQ: u64 = (1 << 53) - 1;
/// Energy of an order or a trade: a GWh is what a low-voltage area uses in months.
pub const MAX_ENERGY: WattHours = WattHours(1_000_000_000);
/// Prices, away from zero: with the bounds on energy and tick, sums of billions of costs stay exact decimals.
pub const MAX_PRICE_TICKS: i64 = 1_000_000;
/// Digits of a price tick: a million...
pub const MAX_TICK_MANTISSA: i64 = 1_000_000;
/// ...and so many of them after the decimal point, so that costs have at most twelve.
pub const MAX_TICK_DECIMALS: i64 = 9;
/// Any duration in a charter: sums of a few of them and a time can't overflow.
pub const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);
/// Slots that a shape may hold open at a time: six weeks of quarter-hours; each can have a book.
pub const MAX_OPEN_SLOTS: i64 = 4_096;
/// Orders that gave us nothing without a visible reason and are remembered: a household meets fewer at a time.
pub const MAX_SHUNNED: usize = 4_096;
/// Such an order is left alone for so many proposal lifetimes: what holds an honest one up is over by then, and one that
/// never answers keeps our energy reserved for a fifth of the time at the most.
pub const SHUNNED_FOR: u32 = 4;
/// Kinds of contradictions for which evidence is read from the store: of each member one of a kind at a time.
pub const KINDS_OF_HUNTS: usize = 5;
/// Proposals that wait for the end of a turn; a taker whose proposal is dropped sends it again.
pub const MAX_PROPOSALS_PER_TURN: usize = 1_024;
/// Refusals that are remembered until their proposals are over, less than half a minute each: some dozens from each
/// member of the largest community, about 20 MB.
pub const MAX_REFUSALS: usize = 32_768;

/// How often a log of a community with so many members speaks up.
#[must_use]
pub fn beacon_interval(members: usize) -> Duration {
    BEACON_INTERVAL.max(BEACON_PACE * u32::try_from(members).unwrap_or(u32::MAX))
}
