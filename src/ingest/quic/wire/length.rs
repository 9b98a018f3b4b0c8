//! The length before each body: a variable-length integer as in RFC 9000, section 16.

use super::FRAME_BODY_MAX;
use super::error::WireError;

/// A length that was read, and how many bytes it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Bytes of the body.
    pub body: usize,
    /// Bytes of the length itself: 1, 2, 4 or 8.
    pub prefix: usize,
}

/// The length at the start of `bytes`; `None`: more bytes are needed.
///
/// # Errors
/// The body would be longer than [`FRAME_BODY_MAX`].
pub fn read_length(bytes: &[u8]) -> Result<Option<Length>, WireError> {
    let Some(&first) = bytes.first() else {
        return Ok(None);
    };
    let prefix = 1_usize << (first >> 6);
    let Some(written) = bytes.get(..prefix) else {
        return Ok(None);
    };
    let value = written[1..]
        .iter()
        .fold(u64::from(first & 0b0011_1111), |value, &byte| value << 8 | u64::from(byte));
    if value > FRAME_BODY_MAX as u64 {
        return Err(WireError::TooLarge(value));
    }
    Ok(Some(Length { body: value as usize, prefix }))
}

/// Appends a length in its shortest form.
///
/// # Panics
/// The length is over 2^30: frames are at most [`FRAME_BODY_MAX`].
pub fn write_length(body: usize, to: &mut Vec<u8>) {
    let body = u32::try_from(body).expect("a body is at most FRAME_BODY_MAX bytes");
    if body < 1 << 6 {
        to.push(body as u8);
    } else if body < 1 << 14 {
        to.extend_from_slice(&(0b01 << 14 | body as u16).to_be_bytes());
    } else {
        assert!(body < 1 << 30, "a body is at most FRAME_BODY_MAX bytes");
        to.extend_from_slice(&(0b10 << 30 | body).to_be_bytes());
    }
}

/// Bytes that the longest allowed length and body take together.
pub const FRAME_BYTES_MAX: usize = FRAME_BODY_MAX + 8;
