//! The alphabet of everything stored: little-endian integers, variable-length integers (LEB128,
//! signed ones zigzag), options as a byte, lists with their length in front.

use crate::domain::time::Time;

/// Why bytes are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bytes that no writer writes")]
pub struct Malformed;

/// Bytes being written.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    /// What is written so far.
    pub bytes: Vec<u8>,
}

impl Writer {
    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// A yes or no.
    pub fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Four bytes.
    pub fn i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// The four bytes of its bits.
    pub fn f32(&mut self, value: f32) {
        self.u32(value.to_bits());
    }

    /// The eight bytes of its bits.
    pub fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    /// 1 to 10 bytes, small numbers in few.
    pub fn varint(&mut self, value: u64) {
        if value < 1 << 28 {
            // Most are short: four bytes go in at once, and those that say nothing come out again.
            // That asks for room once, and takes no branch by length.
            let value = value as u32;
            let groups = value & 0x7f
                | (value & 0x3f80) << 1
                | (value & 0x1f_c000) << 2
                | (value & 0xfe0_0000) << 3;
            let more = (31 - (value | 1).leading_zeros()) / 7;
            let marks = 0x8080_8080 & ((1_u32 << (8 * more)) - 1);
            let length = self.bytes.len() + 1 + more as usize;
            self.bytes.extend_from_slice(&(groups | marks).to_le_bytes());
            self.bytes.truncate(length);
            return;
        }
        let [a, b, c, d] = [value, value >> 7, value >> 14, value >> 21].map(|v| v as u8 | 0x80);
        self.bytes.extend_from_slice(&[a, b, c, d]);
        self.varint(value >> 28);
    }

    /// 1 to 10 bytes, numbers near zero in few.
    pub fn signed(&mut self, value: i64) {
        self.varint((value << 1 ^ value >> 63) as u64);
    }

    /// An instant.
    pub fn time(&mut self, time: Time) {
        self.signed(time.ms());
    }

    /// A value that may be absent.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bool(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// A list.
    pub fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.varint(items.len() as u64);
        for item in items {
            write(self, item);
        }
    }

    /// Bytes with their length.
    pub fn blob(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }
}

/// Bytes being read.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

/// What was read, or that it cannot be.
pub type Read<T> = Result<T, Malformed>;

impl<'a> Reader<'a> {
    /// The bytes from their start.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything is read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is not read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Everything was read: nothing may follow.
    ///
    /// # Errors
    /// Something follows.
    pub const fn end(&self) -> Read<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// So many bytes.
    ///
    /// # Errors
    /// There are fewer.
    pub fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    /// See [`Writer::u8`].
    ///
    /// # Errors
    /// The bytes end.
    pub fn u8(&mut self) -> Read<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// See [`Writer::bool`].
    ///
    /// # Errors
    /// The bytes end, or it is neither.
    pub fn bool(&mut self) -> Read<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    /// See [`Writer::u32`].
    ///
    /// # Errors
    /// The bytes end.
    pub fn u32(&mut self) -> Read<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// See [`Writer::i32`].
    ///
    /// # Errors
    /// The bytes end.
    pub fn i32(&mut self) -> Read<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    /// See [`Writer::u64`].
    ///
    /// # Errors
    /// The bytes end.
    pub fn u64(&mut self) -> Read<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// See [`Writer::f32`].
    ///
    /// # Errors
    /// The bytes end.
    pub fn f32(&mut self) -> Read<f32> {
        Ok(f32::from_bits(self.u32()?))
    }

    /// See [`Writer::f64`].
    ///
    /// # Errors
    /// The bytes end.
    pub fn f64(&mut self) -> Read<f64> {
        Ok(f64::from_bits(self.u64()?))
    }

    /// See [`Writer::varint`].
    ///
    /// # Errors
    /// The bytes end, or the number is too long.
    #[inline]
    pub fn varint(&mut self) -> Read<u64> {
        match self.rest {
            [byte @ ..0x80, rest @ ..] => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Read<u64> {
        let mut value = 0_u64;
        for (at, &byte) in self.rest.iter().take(VARINT_BYTES_MAX).enumerate() {
            if at + 1 == VARINT_BYTES_MAX && byte > 1 {
                return Err(Malformed);
            }
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    /// A [`Writer::varint`] of a narrower type.
    ///
    /// # Errors
    /// The bytes end, or it does not fit.
    pub fn narrow<T: TryFrom<u64>>(&mut self) -> Read<T> {
        T::try_from(self.varint()?).map_err(|_| Malformed)
    }

    /// See [`Writer::signed`].
    ///
    /// # Errors
    /// As [`Self::varint`].
    pub fn signed(&mut self) -> Read<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// See [`Writer::time`].
    ///
    /// # Errors
    /// As [`Self::varint`].
    pub fn time(&mut self) -> Read<Time> {
        Ok(Time::from_ms(self.signed()?))
    }

    /// See [`Writer::option`].
    ///
    /// # Errors
    /// As [`Self::bool`] and `read`.
    pub fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.bool()? { Ok(Some(read(self)?)) } else { Ok(None) }
    }

    /// See [`Writer::list`].
    ///
    /// # Errors
    /// As `read`, or the length is more than the bytes can hold.
    pub fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count: usize = self.narrow()?;
        // Every item takes a byte or more, so that no length can ask for more memory than came.
        if count > self.rest.len() {
            return Err(Malformed);
        }
        (0..count).map(|_| read(self)).collect()
    }

    /// See [`Writer::blob`].
    ///
    /// # Errors
    /// The bytes end.
    pub fn blob(&mut self) -> Read<&'a [u8]> {
        let count = self.narrow()?;
        self.take(count)
    }
}

/// Of the largest number.
const VARINT_BYTES_MAX: usize = 10;
