//! The customer's link to the tracking page of an order: unguessable, and the same for ever.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The last part of the link: base64url of the first 16 bytes of HMAC-SHA256 over company and
/// order, each as eight bytes, highest first.
pub(super) fn tracking_id(secret: &str, company: u64, order: u64) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(&company.to_be_bytes());
    mac.update(&order.to_be_bytes());
    base64url(&mac.finalize().into_bytes()[..16])
}

fn base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 1);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            let index = word >> (18 - 6 * at) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[cfg(test)]
mod tests {
    use super::base64url;

    #[test]
    fn base64url_is_that_of_rfc_4648_without_padding() {
        assert_eq!(base64url(b"foobar"), "Zm9vYmFy");
        assert_eq!(base64url(b"fooba"), "Zm9vYmE");
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    }
}
