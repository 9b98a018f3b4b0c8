//! The key of stateless resets: made once, kept in a directory. With it a daemon that has been
//! killed and started again can tell the peers of its former self that their connections are
//! gone; without it they would only notice by their idle timeout.

use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use quinn::crypto::{CryptoError, HmacKey};
use sha2::Sha256;

use super::error::QuicError;
use super::owner_file::{read_kept, write_whole};

/// Signs the resets of one endpoint.
#[derive(Clone)]
pub struct ResetKey(Hmac<Sha256>);

impl ResetKey {
    /// The key kept in `directory`, drawn on first use. A file of another length is replaced: all
    /// that is lost by it is that peers notice later.
    ///
    /// # Errors
    /// The directory cannot be used, or the system has no randomness.
    pub fn keep(directory: &Path) -> Result<Self, QuicError> {
        let path = directory.join(RESET_KEY_FILE);
        let kept = read_kept(&path)?.and_then(|kept| <[u8; KEY_BYTES]>::try_from(kept).ok());
        let key = match kept {
            Some(key) => key,
            None => {
                let mut key = [0; KEY_BYTES];
                getrandom::fill(&mut key).map_err(|_| QuicError::Randomness)?;
                write_whole(&path, &key)?;
                key
            }
        };
        Ok(Self(Hmac::new(&key.into())))
    }
}

impl HmacKey for ResetKey {
    fn sign(&self, data: &[u8], signature_out: &mut [u8]) {
        let signature = self.0.clone().chain_update(data).finalize();
        signature_out.copy_from_slice(&signature.into_bytes());
    }

    fn signature_len(&self) -> usize {
        SIGNATURE_BYTES
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let signed = self.0.clone().chain_update(data);
        signed.verify_slice(signature).map_err(|_| CryptoError)
    }
}

/// Where the key is.
pub const RESET_KEY_FILE: &str = "quic-reset.key";
/// A block of SHA-256.
const KEY_BYTES: usize = 64;
const SIGNATURE_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use quinn::crypto::HmacKey;

    use super::{RESET_KEY_FILE, ResetKey, SIGNATURE_BYTES};

    #[test]
    fn it_is_drawn_once_and_is_nobody_elses() {
        let directory = std::env::temp_dir().join(format!("doorstep-reset-{}", std::process::id()));
        let signed = |key: &ResetKey| {
            let mut signature = [0; SIGNATURE_BYTES];
            key.sign(b"connection", &mut signature);
            signature
        };
        let drawn = ResetKey::keep(&directory).unwrap();
        let kept = ResetKey::keep(&directory).unwrap();
        assert_eq!(signed(&drawn), signed(&kept));
        assert!(kept.verify(b"connection", &signed(&drawn)).is_ok());
        assert!(kept.verify(b"another", &signed(&drawn)).is_err());
        let path = directory.join(RESET_KEY_FILE);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&path, b"cut").unwrap();
        assert_ne!(signed(&ResetKey::keep(&directory).unwrap()), signed(&drawn));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
