//! Reads MessagePack straight from the frame's bytes: no tree, no allocation, no recursion. Knows
//! the encoding only; the frames' meaning is elsewhere.

use super::TEXT_BYTES_MAX;
use super::error::{WireError, many};

/// A place in a body; each read moves it on.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The start of a body.
    #[must_use]
    pub const fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    /// The number of elements of the array that starts here.
    ///
    /// # Errors
    /// No array starts here.
    pub fn array(&mut self) -> Result<u32, WireError> {
        match self.byte()? {
            byte @ 0x90..=0x9f => Ok(u32::from(byte & 0x0f)),
            0xdc => Ok(self.number(2)? as u32),
            0xdd => Ok(self.number(4)? as u32),
            _ => Err(WireError::Expected("an array")),
        }
    }

    /// The number of entries of the map that starts here.
    ///
    /// # Errors
    /// No map starts here.
    pub fn map(&mut self) -> Result<u32, WireError> {
        match self.byte()? {
            byte @ 0x80..=0x8f => Ok(u32::from(byte & 0x0f)),
            0xde => Ok(self.number(2)? as u32),
            0xdf => Ok(self.number(4)? as u32),
            _ => Err(WireError::Expected("a map")),
        }
    }

    /// An integer, 0 or more.
    ///
    /// # Errors
    /// Something else stands here.
    pub fn unsigned(&mut self) -> Result<u64, WireError> {
        match self.peek()? {
            byte @ 0x00..=0x7f => {
                self.rest = &self.rest[1..];
                Ok(u64::from(byte))
            }
            0xcc..=0xcf => self.wide_unsigned(),
            _ => {
                let value = self.signed()?;
                u64::try_from(value).map_err(|_| WireError::Expected("an integer, 0 or more"))
            }
        }
    }

    /// An integer of at most 64 bits with its sign.
    ///
    /// # Errors
    /// Something else stands here, or it is over 2^63 - 1.
    pub fn signed(&mut self) -> Result<i64, WireError> {
        match self.byte()? {
            byte @ 0x00..=0x7f => Ok(i64::from(byte)),
            byte @ 0xe0..=0xff => Ok(i64::from(byte as i8)),
            0xcc => Ok(self.number(1)? as i64),
            0xcd => Ok(self.number(2)? as i64),
            0xce => Ok(self.number(4)? as i64),
            0xcf => i64::try_from(self.number(8)?)
                .map_err(|_| WireError::Expected("an integer of at most 63 bits")),
            0xd0 => Ok(i64::from(self.number(1)? as i8)),
            0xd1 => Ok(i64::from(self.number(2)? as i16)),
            0xd2 => Ok(i64::from(self.number(4)? as i32)),
            0xd3 => Ok(self.number(8)? as i64),
            _ => Err(WireError::Expected("an integer")),
        }
    }

    /// A number of any kind, as a float of single precision.
    ///
    /// # Errors
    /// Something else stands here.
    pub fn float(&mut self) -> Result<f32, WireError> {
        match self.peek()? {
            0xca => {
                self.rest = &self.rest[1..];
                Ok(f32::from_bits(self.number(4)? as u32))
            }
            0xcb => {
                self.rest = &self.rest[1..];
                Ok(f64::from_bits(self.number(8)?) as f32)
            }
            _ => match self.signed() {
                Ok(value) => Ok(value as f32),
                Err(WireError::Truncated) => Err(WireError::Truncated),
                Err(_) => Err(WireError::Expected("a number")),
            },
        }
    }

    /// True or false.
    ///
    /// # Errors
    /// Something else stands here.
    pub fn boolean(&mut self) -> Result<bool, WireError> {
        match self.byte()? {
            0xc2 => Ok(false),
            0xc3 => Ok(true),
            _ => Err(WireError::Expected("true or false")),
        }
    }

    /// A text of at most [`TEXT_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// Something else stands here, or it is not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, WireError> {
        let length = match self.byte()? {
            byte @ 0xa0..=0xbf => usize::from(byte & 0x1f),
            0xd9 => self.number(1)? as usize,
            0xda => self.number(2)? as usize,
            0xdb => self.number(4)? as usize,
            _ => return Err(WireError::Expected("a text")),
        };
        if length > TEXT_BYTES_MAX {
            return Err(WireError::TooMany(many::BYTES));
        }
        core::str::from_utf8(self.take(length)?).map_err(|_| WireError::Expected("UTF-8 in a text"))
    }

    /// `None` where nil stands here, else what `read` finds.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<Option<T>, WireError> {
        if self.peek()? == 0xc0 {
            self.rest = &self.rest[1..];
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// Passes over `count` values of any kind and depth.
    ///
    /// # Errors
    /// The body ends first, or the byte 0xc1 stands for a value.
    pub fn skip(&mut self, count: u32) -> Result<(), WireError> {
        // At most the body's length of steps: each takes a byte.
        let mut due = u64::from(count);
        while due > 0 {
            due -= 1;
            due += self.skip_one()?;
        }
        Ok(())
    }

    /// Passes over one value's own bytes and returns how many values stand in it.
    fn skip_one(&mut self) -> Result<u64, WireError> {
        let (bytes, values) = match self.byte()? {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => (0, 0),
            byte @ 0x80..=0x8f => (0, 2 * u64::from(byte & 0x0f)),
            byte @ 0x90..=0x9f => (0, u64::from(byte & 0x0f)),
            byte @ 0xa0..=0xbf => (u64::from(byte & 0x1f), 0),
            0xc1 => return Err(WireError::Expected("a MessagePack value")),
            0xc4 | 0xd9 => (self.number(1)?, 0),
            0xc5 | 0xda => (self.number(2)?, 0),
            0xc6 | 0xdb => (self.number(4)?, 0),
            0xc7 => (self.number(1)? + 1, 0),
            0xc8 => (self.number(2)? + 1, 0),
            0xc9 => (self.number(4)? + 1, 0),
            0xcc | 0xd0 => (1, 0),
            0xcd | 0xd1 | 0xd4 => (2, 0),
            0xd5 => (3, 0),
            0xca | 0xce | 0xd2 => (4, 0),
            0xd6 => (5, 0),
            0xcb | 0xcf | 0xd3 => (8, 0),
            0xd7 => (9, 0),
            0xd8 => (17, 0),
            0xdc => (0, self.number(2)?),
            0xdd => (0, self.number(4)?),
            0xde => (0, 2 * self.number(2)?),
            0xdf => (0, 2 * self.number(4)?),
        };
        self.take(bytes as usize)?;
        Ok(values)
    }

    fn wide_unsigned(&mut self) -> Result<u64, WireError> {
        let width = 1 << (self.byte()? - 0xcc);
        self.number(width)
    }

    fn peek(&self) -> Result<u8, WireError> {
        self.rest.first().copied().ok_or(WireError::Truncated)
    }

    fn byte(&mut self) -> Result<u8, WireError> {
        let (&byte, rest) = self.rest.split_first().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(byte)
    }

    /// A big-endian number of 1, 2, 4 or 8 bytes.
    fn number(&mut self, width: usize) -> Result<u64, WireError> {
        match width {
            1 => self.byte().map(u64::from),
            2 => Ok(u64::from(u16::from_be_bytes(self.bytes()?))),
            4 => Ok(u64::from(u32::from_be_bytes(self.bytes()?))),
            _ => Ok(u64::from_be_bytes(self.bytes()?)),
        }
    }

    fn bytes<const WIDTH: usize>(&mut self) -> Result<[u8; WIDTH], WireError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}
