//! The certificate of the endpoint: made once, kept in a directory, told by its fingerprint.
//!
//! Certificate and key stand in one file of mode 0600, which appears whole or not at all; the
//! certificate alone stands beside it for clients (`--ca FILE`), as does its fingerprint.

use std::fs;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

use super::error::QuicError;
use super::owner_file::{failed, read_kept, write_whole};

/// A certificate chain, leaf first, with the leaf's key.
#[derive(Debug)]
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    /// The certificate kept in `directory`, made on first use for `localhost`, `127.0.0.1`, `::1`
    /// and the names given.
    ///
    /// # Errors
    /// The directory cannot be used, or what it holds is no certificate.
    pub fn keep(directory: &Path, names: &[String]) -> Result<Self, QuicError> {
        let path = directory.join(IDENTITY_FILE);
        let identity = match read_kept(&path)? {
            Some(identity) => identity,
            None => {
                let identity = make(names)?;
                write_whole(&path, identity.as_bytes())?;
                identity.into_bytes()
            }
        };
        let certificate = Self::from_pem(&identity, &path)?;
        let pem = String::from_utf8_lossy(&identity);
        let public = pem.find(KEY_HEAD).map_or(&*pem, |key| &pem[..key]);
        write_whole(&directory.join(CERTIFICATE_FILE), public.as_bytes())?;
        let fingerprint = format!("{}\n", certificate.fingerprint());
        write_whole(&directory.join(FINGERPRINT_FILE), fingerprint.as_bytes())?;
        Ok(certificate)
    }

    /// A configured certificate: a PEM file of the chain and one of its key.
    ///
    /// # Errors
    /// A file cannot be read or holds something else.
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, QuicError> {
        let mut pem = fs::read(chain).map_err(|source| failed(chain, source))?;
        pem.push(b'\n');
        pem.extend(fs::read(key).map_err(|source| failed(key, source))?);
        Self::from_pem(&pem, chain)
    }

    fn from_pem(pem: &[u8], path: &Path) -> Result<Self, QuicError> {
        let refused = |problem: String| QuicError::Pem { path: path.to_owned(), problem };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| refused(error.to_string()))?;
        if chain.is_empty() {
            return Err(refused("no certificate in it".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| refused(error.to_string()))?;
        Ok(Self { chain, key })
    }

    /// SHA-256 of the leaf's DER, in lower-case hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = Sha256::digest(&self.chain[0]);
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What TLS needs.
    pub(super) fn into_parts(self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (self.chain, self.key)
    }
}

/// Certificate, then key, as PEM.
fn make(names: &[String]) -> Result<String, QuicError> {
    let mut all: Vec<String> = LOCAL_NAMES.iter().map(|&name| name.to_owned()).collect();
    all.extend(names.iter().filter(|name| !LOCAL_NAMES.contains(&name.as_str())).cloned());
    let made = rcgen::generate_simple_self_signed(all)?;
    Ok(format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem()))
}

/// Certificate and key.
pub const IDENTITY_FILE: &str = "quic-identity.pem";
/// The certificate alone, for clients.
pub const CERTIFICATE_FILE: &str = "quic-certificate.pem";
/// Its fingerprint.
pub const FINGERPRINT_FILE: &str = "quic-fingerprint.txt";
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const KEY_HEAD: &str = "-----BEGIN PRIVATE KEY";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{CERTIFICATE_FILE, Certificate, IDENTITY_FILE};

    #[test]
    fn it_is_made_once_and_its_key_is_nobody_elses() {
        let directory = std::env::temp_dir().join(format!("doorstep-tls-{}", std::process::id()));
        let made = Certificate::keep(&directory, &["example.test".to_owned()]).unwrap();
        let kept = Certificate::keep(&directory, &[]).unwrap();
        assert_eq!(made.fingerprint(), kept.fingerprint());
        assert_eq!(made.fingerprint().len(), 64);
        let mode = std::fs::metadata(directory.join(IDENTITY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let public = std::fs::read_to_string(directory.join(CERTIFICATE_FILE)).unwrap();
        assert!(public.contains("BEGIN CERTIFICATE") && !public.contains("PRIVATE"));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
