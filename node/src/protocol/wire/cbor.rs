//! Deterministic CBOR (RFC 8949, 4.2) over minicbor's tokens: one encoding for each value, and nothing else is read.
//!
//! Not a serialisation framework: [`Wire`] is implemented by hand, since the bytes are a contract with other
//! implementations and must not follow from how a Rust struct happens to be written.

use minicbor::data::Tag;
use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};

use super::{Malformed, within};

/// A value with exactly one encoding.
pub trait Wire: Sized {
    /// Appends the encoding.
    fn write(&self, out: &mut Writer);
    /// Reads exactly what [`Wire::write`] makes.
    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed>;
}

/// The encoding of `value`; a right guess of its `capacity` saves growing.
pub(crate) fn encode(value: &impl Wire, capacity: usize) -> Vec<u8> {
    write(capacity, |out| value.write(out))
}

/// The value that `bytes` encode, with nothing after it.
pub(crate) fn decode<T: Wire>(bytes: &[u8]) -> Result<T, Malformed> {
    read(bytes, T::read)
}

/// What `write` writes.
pub(super) fn write(capacity: usize, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer(Encoder::new(Vec::with_capacity(capacity)));
    write(&mut out);
    out.0.into_writer()
}

/// What `read` reads, if that is all that there is in `bytes`.
pub(super) fn read<'b, T>(
    bytes: &'b [u8],
    read: impl FnOnce(&mut Reader<'b>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    let mut cbor = Reader(Decoder::new(bytes));
    let value = read(&mut cbor)?;
    cbor.end()?;
    Ok(value)
}

/// Writes tokens, shortest form always.
pub struct Writer(Encoder<Vec<u8>>);

macro_rules! write_token {
    ($($(#[$doc:meta])* $name:ident = $token:ident($argument:ty);)*) => {$(
        $(#[$doc])*
        pub fn $name(&mut self, value: $argument) -> &mut Self {
            self.0.$token(value).expect("writing to memory cannot fail");
            self
        }
    )*};
}

impl Writer {
    write_token! {
        unsigned = u64(u64);
        signed = i64(i64);
        bytes = bytes(&[u8]);
        text = str(&str);
        /// Starts a map of so many pairs.
        map = map(u64);
        /// Starts an array of so many items.
        array = array(u64);
    }

    /// A tag; what it tags follows.
    pub fn tag(&mut self, number: u64) -> &mut Self {
        self.0.tag(Tag::new(number)).expect("writing to memory cannot fail");
        self
    }

    /// One pair of a map.
    pub fn field(&mut self, key: u8, value: &impl Wire) -> &mut Self {
        self.key(key).put(value)
    }

    /// One pair of a map, or nothing.
    pub fn optional(&mut self, key: u8, value: Option<&impl Wire>) -> &mut Self {
        if let Some(value) = value {
            self.field(key, value);
        }
        self
    }

    /// A map's key; its value follows.
    pub fn key(&mut self, key: u8) -> &mut Self {
        self.unsigned(u64::from(key))
    }

    /// A value.
    pub fn put(&mut self, value: &impl Wire) -> &mut Self {
        value.write(self);
        self
    }

    /// An array of values.
    pub fn list<T: Wire>(&mut self, values: &[T]) -> &mut Self {
        self.array(values.len() as u64);
        for value in values {
            value.write(self);
        }
        self
    }

    /// An array of byte strings.
    pub fn byte_strings(&mut self, values: &[impl AsRef<[u8]>]) -> &mut Self {
        self.array(values.len() as u64);
        for value in values {
            self.bytes(value.as_ref());
        }
        self
    }
}

/// Reads tokens and refuses every form but the shortest.
pub struct Reader<'b>(Decoder<'b>);

impl<'b> Reader<'b> {
    /// An unsigned number.
    pub fn unsigned(&mut self) -> Result<u64, Malformed> {
        self.token("an unsigned number", Decoder::u64, |n| (*n, 0))
    }

    /// A number that may be negative.
    pub fn signed(&mut self) -> Result<i64, Malformed> {
        self.token("a number", Decoder::i64, |n| (if *n < 0 { !*n } else { *n }.unsigned_abs(), 0))
    }

    /// A byte string.
    pub fn bytes(&mut self) -> Result<&'b [u8], Malformed> {
        self.token("a byte string", Decoder::bytes, |bytes| (bytes.len() as u64, bytes.len()))
    }

    /// A byte string of at most `max` bytes.
    pub fn bytes_up_to(&mut self, max: usize) -> Result<&'b [u8], Malformed> {
        let bytes = self.bytes()?;
        if bytes.len() > max { Err(Malformed::TooLong { bytes: bytes.len(), max }) } else { Ok(bytes) }
    }

    /// A text string.
    pub fn text(&mut self) -> Result<&'b str, Malformed> {
        self.token("text", Decoder::str, |text| (text.len() as u64, text.len()))
    }

    /// A tag's number.
    pub fn tag(&mut self) -> Result<u64, Malformed> {
        self.token("a tag", Decoder::tag, |tag| (tag.as_u64(), 0)).map(|tag| tag.as_u64())
    }

    /// An array of exactly `len` items, whose items follow.
    pub fn array(&mut self, len: u64) -> Result<(), Malformed> {
        let at = self.position();
        if self.array_header()? == len {
            Ok(())
        } else {
            Err(Malformed::Expected { at, what: "an array of another length" })
        }
    }

    /// An array of `min` to `max` items, whose items follow; `what` names their number.
    pub fn array_within(&mut self, what: &'static str, min: usize, max: usize) -> Result<usize, Malformed> {
        let len = self.array_header()?;
        within(what, len, min as i64..=max as i64)?;
        Ok(len as usize)
    }

    /// An array of `min` to `max` values.
    pub fn list<T: Wire>(&mut self, what: &'static str, min: usize, max: usize) -> Result<Vec<T>, Malformed> {
        let len = self.array_within(what, min, max)?;
        (0..len).map(|_| T::read(self)).collect()
    }

    /// An array `[kind, ...]` with exactly the number of items that the kind has: `items` tells it, the kind included.
    pub fn kind(&mut self, items: impl Fn(u64) -> Option<u64>) -> Result<u64, Malformed> {
        let at = self.position();
        let len = self.array_header()?;
        let kind = self.unsigned()?;
        match items(kind) {
            Some(expected) if expected == len => Ok(kind),
            Some(_) => Err(Malformed::Expected { at, what: "an array of another length" }),
            None => Err(Malformed::Expected { at, what: "a known kind" }),
        }
    }

    /// A map, whose fields follow in ascending order of their keys.
    pub fn map(&mut self) -> Result<Map<'_, 'b>, Malformed> {
        let left = self.token("a map", |cbor| definite(Decoder::map(cbor)), |len| (*len, 0))?;
        Ok(Map { cbor: self, left })
    }

    /// Where the reader stands.
    pub fn position(&self) -> usize {
        self.0.position()
    }

    /// Refuses further bytes.
    pub fn end(&self) -> Result<(), Malformed> {
        let at = self.position();
        if at == self.0.input().len() { Ok(()) } else { Err(Malformed::NotTheEnd { at }) }
    }

    fn array_header(&mut self) -> Result<u64, Malformed> {
        self.token("an array", |cbor| definite(Decoder::array(cbor)), |len| (*len, 0))
    }

    /// Reads one token; `shape` gives the number in its head and how many bytes follow the head.
    #[inline]
    fn token<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, Error>,
        shape: impl FnOnce(&T) -> (u64, usize),
    ) -> Result<T, Malformed> {
        let at = self.position();
        let value = read(&mut self.0).map_err(|_| Malformed::Expected { at, what })?;
        let (number, body) = shape(&value);
        if self.position() - at - body == head_len(number) { Ok(value) } else { Err(Malformed::NotShortest { at }) }
    }
}

/// Reads a map's fields, each in its place.
pub struct Map<'r, 'b> {
    cbor: &'r mut Reader<'b>,
    left: u64,
}

impl<'b> Map<'_, 'b> {
    /// The next field, which must have this key.
    pub fn required<T: Wire>(&mut self, key: u8) -> Result<T, Malformed> {
        T::read(self.field(key)?)
    }

    /// The next field if it has this key.
    pub fn optional<T: Wire>(&mut self, key: u8) -> Result<Option<T>, Malformed> {
        let is_next = self.left > 0 && self.cbor.0.probe().u64().is_ok_and(|next| next == u64::from(key));
        if is_next { self.required(key).map(Some) } else { Ok(None) }
    }

    /// The reader at the next field's value; the field must have this key.
    pub fn field(&mut self, key: u8) -> Result<&mut Reader<'b>, Malformed> {
        let at = self.cbor.position();
        if self.left == 0 || self.cbor.unsigned()? != u64::from(key) {
            return Err(Malformed::Key { at, key });
        }
        self.left -= 1;
        Ok(self.cbor)
    }

    /// Refuses further fields.
    pub fn end(self) -> Result<(), Malformed> {
        if self.left == 0 { Ok(()) } else { Err(Malformed::NotTheEnd { at: self.cbor.position() }) }
    }
}

fn definite(len: Result<Option<u64>, Error>) -> Result<u64, Error> {
    len?.ok_or_else(|| Error::message("indefinite length"))
}

/// Bytes of the shortest head that holds `number`.
pub(super) const fn head_len(number: u64) -> usize {
    match number {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    }
}
