//! The body of an answer, unpacked, and read up to its limit.
//!
//! The limit counts what is unpacked: a few bytes that stand for very many end there.

use std::io::{Error, Write};

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use hyper::body::Body as _;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};

use super::exchange::Answer;
use super::failure::{Kind, Why};
use super::pool::Answering;

/// What is set aside for a body whose length is told before it comes.
const FIRST_BYTES: usize = 1 << 20;

/// Reads all of it, not more than `limit`; a `bare` answer tells the length of what it does not send.
pub(super) async fn read(
    mut answering: Answering,
    limit: usize,
    is_bare: bool,
) -> Result<Answer, Kind> {
    let response = &mut answering.response;
    let status = response.status().as_u16();
    let told = response.body().size_hint().exact();
    if told.is_some_and(|told| told > limit as u64) && !is_bare {
        return Err(Kind::TooLarge { limit });
    }
    let mut headers = std::mem::take(response.headers_mut());
    let packed = Packed::of(&headers);
    let mut whole = Whole::new(limit, told);
    while let Some(chunk) = answering.chunk().await? {
        whole.add(chunk)?;
    }
    answering.end();
    let mut body = whole.into_bytes();
    if packed != Packed::Not && !body.is_empty() {
        body = match packed.unpack(&body, limit) {
            Ok(body) => body,
            // What the status says is known without it.
            Err(_unread) if status >= 400 => Bytes::new(),
            Err(kind) => return Err(kind),
        };
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
    }
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// What came so far, as it came.
struct Whole {
    limit: usize,
    told: usize,
    /// Most come in one piece, and that is not copied.
    first: Bytes,
    all: BytesMut,
}

impl Whole {
    fn new(limit: usize, told: Option<u64>) -> Self {
        let told = told.and_then(|told| usize::try_from(told).ok());
        Self {
            limit,
            told: told.unwrap_or(0).min(FIRST_BYTES),
            first: Bytes::new(),
            all: BytesMut::new(),
        }
    }

    fn add(&mut self, chunk: Bytes) -> Result<(), Kind> {
        let limit = self.limit;
        if self.first.len().max(self.all.len()) + chunk.len() > limit {
            return Err(Kind::TooLarge { limit });
        }
        if self.first.is_empty() && self.all.is_empty() {
            self.first = chunk;
            return Ok(());
        }
        if self.all.is_empty() {
            self.all.reserve(self.told);
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&chunk);
        Ok(())
    }

    fn into_bytes(self) -> Bytes {
        match self.all.is_empty() {
            true => self.first,
            false => self.all.freeze(),
        }
    }
}

/// How a body is packed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packed {
    Not,
    Gzip,
    /// In a way that we did not ask for.
    Otherwise,
}

impl Packed {
    fn of(headers: &HeaderMap) -> Self {
        let mut named = headers.get_all(CONTENT_ENCODING).iter();
        let Some(name) = named.next() else {
            return Self::Not;
        };
        let is = |one: &str| name.as_bytes().eq_ignore_ascii_case(one.as_bytes());
        match named.next() {
            None if is("gzip") || is("x-gzip") => Self::Gzip,
            None if is("identity") || name.is_empty() => Self::Not,
            _ => Self::Otherwise,
        }
    }

    fn unpack(self, packed: &[u8], limit: usize) -> Result<Bytes, Kind> {
        match self {
            Self::Not => Ok(Bytes::copy_from_slice(packed)),
            Self::Gzip => {
                let mut unpacking = MultiGzDecoder::new(Room {
                    bytes: Vec::new(),
                    left: limit,
                });
                let done = unpacking.write_all(packed);
                match done.and_then(|()| unpacking.try_finish()) {
                    Ok(()) => Ok(std::mem::take(&mut unpacking.get_mut().bytes).into()),
                    Err(_full) if unpacking.get_ref().left == 0 => Err(Kind::TooLarge { limit }),
                    Err(_broken) => Err(Kind::Unavailable(Why::Broken)),
                }
            }
            Self::Otherwise => Err(Kind::Packed),
        }
    }
}

/// Bytes that never become too many.
struct Room {
    bytes: Vec<u8>,
    left: usize,
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.left.checked_sub(bytes.len()) {
            Some(left) => {
                self.left = left;
                self.bytes.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            None => {
                self.left = 0;
                Err(Error::other("no room is left"))
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
