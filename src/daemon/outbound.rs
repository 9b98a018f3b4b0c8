//! What sends callbacks: which networks it may reach and which certificates it trusts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::error::DaemonError;
use crate::feed::outbound::{Outbound, Reach};

/// The settings of callbacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackSettings {
    /// Which addresses may be reached.
    pub reach: Reach,
    /// Certificates that are trusted beside those of the system; empty: none.
    pub ca_file: PathBuf,
}

impl CallbackSettings {
    /// What sends by these settings.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificates.
    pub fn outbound(&self) -> Result<Outbound, DaemonError> {
        let mut roots = RootCertStore::empty();
        // A system without certificates trusts nobody, and an endpoint's TLS fails by name.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if !self.ca_file.as_os_str().is_empty() {
            for certificate in certificates(&self.ca_file)? {
                roots
                    .add(certificate)
                    .map_err(|error| refused(&self.ca_file, error.to_string()))?;
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| refused(&self.ca_file, error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Outbound::new(self.reach.clone(), Arc::new(config), TIMEOUT))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, DaemonError> {
    let bytes = std::fs::read(path)
        .map_err(|source| DaemonError::File { path: path.to_owned(), source })?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(refused(path, "holds no certificate".to_owned())),
        Err(error) => Err(refused(path, error.to_string())),
    }
}

fn refused(path: &Path, problem: String) -> DaemonError {
    DaemonError::CallbackTls { path: path.to_owned(), problem }
}

/// For one attempt, from the name to the head of the answer.
const TIMEOUT: Duration = Duration::from_secs(15);
