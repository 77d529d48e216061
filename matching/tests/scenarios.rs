//! Plays the market's scenarios: text files that anyone can read, each a list of commands with what comes of them.
//!
//! A line at the margin is a command, the indented lines below it are the market's whole answer, `#` starts a comment.
//! A scenario passes if playing its commands gives back the file. Commands:
//!
//! ```text
//! band FLOOR CAP                                         an empty book; first of all
//! buy|sell ORDER by TRADER QUANTITY @ PRICE [at T] [until T]    trades, then what is left rests
//! rest buy|sell ORDER by TRADER ...                      rests without trading
//! plan buy|sell by TRADER QUANTITY @ PRICE [before T ORDER]     what it would take
//! fill ORDER QUANTITY    open ORDER QUANTITY    cancel ORDER    expire T    depth [LEVELS]
//! ```
//!
//! Without `at`, an order comes one millisecond after the latest one before it. Prices are ticks, quantities Wh.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use wattswap_matching::{
    Arrival, Book, Handle, Level, Limit, Order, Price, PriceBand, Rejection, Side, Trader, UtcMillis, WattHours,
    auction,
};

/// An order's name, padded.
type Id = [u8; 16];

/// The market of a scenario.
#[derive(Default)]
struct Market {
    book: Option<Book<Id>>,
    handles: BTreeMap<Id, Handle>,
    traders: Vec<String>,
    now: u64,
}

/// The words of a command, taken from the left.
struct Words<'line>(std::str::SplitWhitespace<'line>);

#[test]
fn every_scenario_plays_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10, "scenarios are missing from {}", folder.display());
    let mut different = String::new();
    for file in files {
        let written = std::fs::read_to_string(&file).unwrap();
        let played = play(&written);
        if played != written {
            write!(different, "\n--- {} plays like this:\n{played}", file.display()).unwrap();
        }
    }
    assert!(different.is_empty(), "{different}");
}

/// The script with its answers replaced by those of the market.
fn play(script: &str) -> String {
    let mut market = Market::default();
    let mut played = String::new();
    for line in script.lines().filter(|line| !line.starts_with(' ')) {
        writeln!(played, "{line}").unwrap();
        let command = line.split('#').next().unwrap_or_default();
        for answer in market.obey(command) {
            writeln!(played, "    {answer}").unwrap();
        }
    }
    played
}

impl Market {
    fn obey(&mut self, command: &str) -> Vec<String> {
        let mut words = Words(command.split_whitespace());
        let answers = match words.0.next() {
            None => return Vec::new(),
            Some("band") => {
                let band = PriceBand::new(Price(words.number()), Price(words.number()));
                self.book = Some(Book::new(band.unwrap()));
                Ok(Vec::new())
            }
            Some(side @ ("buy" | "sell")) => self.submit(side, &mut words),
            Some("rest") => {
                let side = words.next();
                self.rest(side, &mut words)
            }
            Some("plan") => Ok(self.plan(&mut words)),
            Some("fill") => {
                let (handle, quantity) = (self.handle(&mut words), WattHours(words.number()));
                self.book().fill(handle, quantity).map(|left| vec![format!("left {}", left.0)])
            }
            Some("open") => {
                let (handle, quantity) = (self.handle(&mut words), WattHours(words.number()));
                self.book().set_open(handle, quantity).map(|()| Vec::new())
            }
            Some("cancel") => {
                let handle = self.handle(&mut words);
                self.book().cancel(handle).map(|open| vec![format!("open {}", open.0)])
            }
            Some("expire") => {
                let now = UtcMillis(words.number());
                let expired = self.book().expire(now);
                Ok(expired
                    .iter()
                    .map(|(_, order)| format!("gone {} {}", name(&order.id), amount(&order.limit)))
                    .collect())
            }
            Some("depth") => {
                let most = words.0.next().map_or(usize::MAX, |most| most.parse().unwrap());
                let depth = |side, book: &Book<Id>| levels(&book.depth(side, most));
                Ok(vec![
                    format!("bids{}", depth(Side::Buy, self.book())),
                    format!("asks{}", depth(Side::Sell, self.book())),
                ])
            }
            Some(other) => panic!("no such command: {other}"),
        };
        assert_eq!(words.0.next(), None, "too many words: {command}");
        answers.unwrap_or_else(|rejection: Rejection| vec![format!("refused: {rejection}")])
    }

    fn submit(&mut self, side: &str, words: &mut Words<'_>) -> Result<Vec<String>, Rejection> {
        let order = self.order(side, words);
        let now = UtcMillis(self.now);
        let mut answers = Vec::new();
        let rests = auction::submit(self.book(), order, now, |trade| {
            let (resting, aggressor) = (name(&trade.resting), name(&trade.aggressor));
            answers.push(format!("trade {aggressor} takes {} @ {} of {resting}", trade.quantity.0, trade.price.0));
        })?;
        if let Some(handle) = rests {
            answers.push(self.rested(order.id, handle));
        }
        Ok(answers)
    }

    fn rest(&mut self, side: &str, words: &mut Words<'_>) -> Result<Vec<String>, Rejection> {
        let order = self.order(side, words);
        let handle = self.book().rest(order)?;
        Ok(vec![self.rested(order.id, handle)])
    }

    fn rested(&mut self, id: Id, handle: Handle) -> String {
        self.handles.insert(id, handle);
        let order = self.book().resting(handle).expect("it was put there just now");
        assert_eq!(order.id, id);
        format!("rests {}", amount(&order.limit))
    }

    fn plan(&mut self, words: &mut Words<'_>) -> Vec<String> {
        let side = words.next();
        let limit = self.limit(side, words);
        let before = words.optional("before").then(|| Arrival { at: UtcMillis(words.number()), id: id(words.next()) });
        let takes: Vec<_> = match before {
            Some(arrival) => self.book().plan_before(&limit, arrival, |_| false).collect(),
            None => self.book().plan(&limit, |_| false).collect(),
        };
        takes.iter().map(|take| format!("take {} @ {} of {}", take.quantity.0, take.price.0, name(&take.id))).collect()
    }

    fn order(&mut self, side: &str, words: &mut Words<'_>) -> Order<Id> {
        let id = id(words.next());
        let limit = self.limit(side, words);
        let at = if words.optional("at") { words.number() } else { self.now + 1 };
        let expires_at = if words.optional("until") { words.number() } else { u64::MAX };
        self.now = self.now.max(at);
        Order { limit, at: UtcMillis(at), id, expires_at: UtcMillis(expires_at) }
    }

    fn limit(&mut self, side: &str, words: &mut Words<'_>) -> Limit {
        words.expect("by");
        let trader = self.trader(words.next());
        let quantity = WattHours(words.number());
        words.expect("@");
        let side = if side == "buy" { Side::Buy } else { Side::Sell };
        Limit { trader, side, price: Price(words.number()), quantity }
    }

    fn trader(&mut self, name: &str) -> Trader {
        let known = self.traders.iter().position(|trader| trader == name);
        let number = known.unwrap_or_else(|| {
            self.traders.push(name.to_owned());
            self.traders.len() - 1
        });
        Trader(u32::try_from(number).unwrap())
    }

    fn handle(&self, words: &mut Words<'_>) -> Handle {
        let name = words.next();
        *self.handles.get(&id(name)).unwrap_or_else(|| panic!("{name} never rested"))
    }

    fn book(&mut self) -> &mut Book<Id> {
        self.book.as_mut().expect("a scenario starts with its band")
    }
}

impl<'line> Words<'line> {
    fn next(&mut self) -> &'line str {
        self.0.next().expect("a word is missing")
    }

    fn number<N: std::str::FromStr<Err = std::num::ParseIntError>>(&mut self) -> N {
        let word = self.next();
        word.parse().unwrap_or_else(|error| panic!("{word}: {error}"))
    }

    fn expect(&mut self, word: &str) {
        assert_eq!(self.next(), word);
    }

    fn optional(&mut self, word: &str) -> bool {
        let found = self.0.clone().next() == Some(word);
        if found {
            self.0.next();
        }
        found
    }
}

fn id(name: &str) -> Id {
    let mut id = Id::default();
    id[..name.len()].copy_from_slice(name.as_bytes());
    id
}

fn name(id: &Id) -> &str {
    std::str::from_utf8(id).unwrap().trim_end_matches('\0')
}

fn amount(limit: &Limit) -> String {
    format!("{} @ {}", limit.quantity.0, limit.price.0)
}

fn levels(levels: &[Level]) -> String {
    levels.iter().fold(String::new(), |line, level| {
        format!("{line}  {} @ {} in {}", level.quantity.0, level.price.0, level.orders)
    })
}
