//! The alphabet of kept state: little-endian floats, variable-length integers (LEB128, signed ones
//! zigzag), options as a byte, lists with their length in front; and the macro by which a struct
//! names its fields.

use core::num::NonZeroU16;

use thiserror::Error;

/// Bytes that no engine wrote, or of a layout that is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("bytes that no engine writes")]
pub struct NotState;

/// What was read, or that it cannot be.
pub type Taken<T> = Result<T, NotState>;

/// State on its way into bytes.
#[derive(Debug)]
pub struct StateWriter<'a> {
    bytes: &'a mut Vec<u8>,
}

/// State on its way back.
#[derive(Clone, Copy, Debug)]
pub struct StateReader<'a> {
    rest: &'a [u8],
    layout: u16,
}

/// Something of which an engine's state consists.
pub trait Kept: Sized {
    /// Writes it.
    fn put(&self, to: &mut StateWriter);

    /// Reads it.
    ///
    /// # Errors
    /// The bytes are none.
    fn take(from: &mut StateReader) -> Taken<Self>;
}

/// Names every field of a struct that is kept, in the order of its bytes; `since` those that came
/// with a later layout and what stood for them before, `rebuilt` those that are made again.
macro_rules! kept {
    (
        $kind:ident { $($field:ident),+ $(,)? }
        $(since $layout:literal { $($later:ident = $before:expr),+ $(,)? })*
        $(rebuilt { $($left:ident = $empty:expr),+ $(,)? })?
    ) => {
        impl $crate::engine::state::Kept for $kind {
            fn put(&self, to: &mut $crate::engine::state::StateWriter) {
                let Self { $($field,)+ $($($later,)+)* $($($left: _,)+)? } = self;
                $($crate::engine::state::Kept::put($field, to);)+
                $($($crate::engine::state::Kept::put($later, to);)+)*
            }

            fn take(
                from: &mut $crate::engine::state::StateReader,
            ) -> $crate::engine::state::Taken<Self> {
                Ok(Self {
                    $($field: $crate::engine::state::Kept::take(from)?,)+
                    $($($later: if from.layout() >= $layout {
                        $crate::engine::state::Kept::take(from)?
                    } else {
                        $before
                    },)+)*
                    $($($left: $empty,)+)?
                })
            }
        }
    };
}
pub(crate) use kept;

impl<'a> StateWriter<'a> {
    /// Appends to bytes.
    pub fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes }
    }

    /// One byte.
    pub fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Bytes as they are; their number is known to the reader.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// 1 to 10 bytes, small numbers in few.
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    /// 1 to 10 bytes, numbers near zero in few.
    pub fn signed(&mut self, value: i64) {
        self.varint((value << 1 ^ value >> 63) as u64);
    }

    /// A list with its length.
    pub fn list<T: Kept>(&mut self, items: &[T]) {
        self.varint(items.len() as u64);
        for item in items {
            item.put(self);
        }
    }
}

impl<'a> StateReader<'a> {
    /// Bytes that an engine wrote with a layout.
    ///
    /// # Errors
    /// The layout is not known here.
    pub const fn new(bytes: &'a [u8], layout: u16) -> Taken<Self> {
        if layout == 0 || layout > super::LAYOUT {
            return Err(NotState);
        }
        Ok(Self { rest: bytes, layout })
    }

    /// The layout of what is read.
    #[must_use]
    pub const fn layout(&self) -> u16 {
        self.layout
    }

    /// Everything was read: nothing may follow.
    ///
    /// # Errors
    /// Something follows.
    pub const fn end(&self) -> Taken<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(NotState) }
    }

    /// One byte.
    ///
    /// # Errors
    /// The bytes end.
    pub fn byte(&mut self) -> Taken<u8> {
        let (&first, rest) = self.rest.split_first().ok_or(NotState)?;
        self.rest = rest;
        Ok(first)
    }

    /// So many bytes.
    ///
    /// # Errors
    /// The bytes end.
    pub fn array<const N: usize>(&mut self) -> Taken<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(NotState)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// See [`StateWriter::varint`].
    ///
    /// # Errors
    /// The bytes end, or the number is too long.
    pub fn varint(&mut self) -> Taken<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(first.into());
        }
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                return Err(NotState);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(NotState)
    }

    /// A [`StateWriter::varint`] of a narrower type.
    ///
    /// # Errors
    /// The bytes end, or it does not fit.
    pub fn narrow<T: TryFrom<u64>>(&mut self) -> Taken<T> {
        T::try_from(self.varint()?).map_err(|_| NotState)
    }

    /// See [`StateWriter::signed`].
    ///
    /// # Errors
    /// As [`Self::varint`].
    pub fn signed(&mut self) -> Taken<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The length of a list of things that take `bytes_min` bytes or more each: no length asks for
    /// more memory than came.
    ///
    /// # Errors
    /// The bytes end, or cannot hold so many.
    pub fn count(&mut self, bytes_min: usize) -> Taken<usize> {
        let count: usize = self.narrow()?;
        if count > self.rest.len() / bytes_min { Err(NotState) } else { Ok(count) }
    }

    /// See [`StateWriter::list`].
    ///
    /// # Errors
    /// The bytes are none.
    pub fn list<T: Kept>(&mut self) -> Taken<Vec<T>> {
        let count = self.count(1)?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(T::take(self)?);
        }
        Ok(items)
    }
}

impl Kept for bool {
    fn put(&self, to: &mut StateWriter) {
        to.byte((*self).into());
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(NotState),
        }
    }
}

macro_rules! kept_number {
    ($($kind:ty),+) => {$(
        impl Kept for $kind {
            fn put(&self, to: &mut StateWriter) {
                to.varint(u64::from(*self));
            }

            fn take(from: &mut StateReader) -> Taken<Self> {
                from.narrow()
            }
        }
    )+};
}
kept_number!(u8, u16, u32, u64);

impl Kept for NonZeroU16 {
    fn put(&self, to: &mut StateWriter) {
        self.get().put(to);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        Self::new(Kept::take(from)?).ok_or(NotState)
    }
}

impl Kept for usize {
    fn put(&self, to: &mut StateWriter) {
        to.varint(*self as u64);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        from.narrow()
    }
}

impl Kept for i32 {
    fn put(&self, to: &mut StateWriter) {
        to.signed(i64::from(*self));
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        Self::try_from(from.signed()?).map_err(|_| NotState)
    }
}

impl Kept for i64 {
    fn put(&self, to: &mut StateWriter) {
        to.signed(*self);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        from.signed()
    }
}

impl Kept for f32 {
    fn put(&self, to: &mut StateWriter) {
        to.bytes(&self.to_bits().to_le_bytes());
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        Ok(Self::from_bits(u32::from_le_bytes(from.array()?)))
    }
}

impl Kept for f64 {
    fn put(&self, to: &mut StateWriter) {
        to.bytes(&self.to_bits().to_le_bytes());
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        Ok(Self::from_bits(u64::from_le_bytes(from.array()?)))
    }
}

impl<T: Kept> Kept for Option<T> {
    fn put(&self, to: &mut StateWriter) {
        self.is_some().put(to);
        if let Some(value) = self {
            value.put(to);
        }
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        Ok(if bool::take(from)? { Some(T::take(from)?) } else { None })
    }
}

impl<T: Kept> Kept for Vec<T> {
    fn put(&self, to: &mut StateWriter) {
        to.list(self);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        from.list()
    }
}

impl<T: Kept> Kept for Box<T> {
    fn put(&self, to: &mut StateWriter) {
        (**self).put(to);
    }

    fn take(from: &mut StateReader) -> Taken<Self> {
        Ok(Self::new(T::take(from)?))
    }
}
