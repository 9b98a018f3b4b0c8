//! Whom a client takes for the daemon: the holder of a certificate with a given fingerprint, or of
//! one that a given authority signed.

use std::path::Path;
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};

use super::error::ClientError;

/// What the certificate must be.
#[derive(Clone, Debug)]
pub(super) enum Trust {
    /// SHA-256 of the leaf's DER.
    Fingerprint([u8; 32]),
    /// Signed by one of these.
    Authorities(Arc<RootCertStore>),
}

impl Trust {
    pub(super) fn fingerprint(hex: &str) -> Result<Self, ClientError> {
        let digits: Vec<u32> =
            hex.trim().chars().filter(|c| *c != ':').filter_map(|c| c.to_digit(16)).collect();
        let bytes: Vec<u8> =
            digits.chunks(2).map(|pair| pair.iter().fold(0, |b, d| b << 4 | *d as u8)).collect();
        let refused = || ClientError::Argument("a fingerprint is 64 hexadecimal digits".to_owned());
        if digits.len() != 64 {
            return Err(refused());
        }
        bytes.try_into().map(Self::Fingerprint).map_err(|_| refused())
    }

    pub(super) fn authorities(file: &Path) -> Result<Self, ClientError> {
        let refused =
            |problem: String| ClientError::Argument(format!("{}: {problem}", file.display()));
        let mut roots = RootCertStore::empty();
        for certificate in
            CertificateDer::pem_file_iter(file).map_err(|error| refused(error.to_string()))?
        {
            let certificate = certificate.map_err(|error| refused(error.to_string()))?;
            roots.add(certificate).map_err(|error| refused(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(refused("no certificate in it".to_owned()));
        }
        Ok(Self::Authorities(Arc::new(roots)))
    }

    /// TLS as QUIC needs it.
    pub(super) fn config(&self) -> Result<QuicClientConfig, ClientError> {
        let refused = |problem: String| ClientError::Argument(format!("TLS: {problem}"));
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| refused(error.to_string()))?;
        let builder = match self {
            Self::Authorities(roots) => builder.with_root_certificates(Arc::clone(roots)),
            Self::Fingerprint(expected) => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Pinned {
                    expected: *expected,
                    provider,
                }))
            }
        };
        let mut tls = builder.with_no_client_auth();
        tls.alpn_protocols = vec![b"doorstep/1".to_vec()];
        tls.enable_early_data = true;
        QuicClientConfig::try_from(tls).map_err(|error| refused(error.to_string()))
    }
}

/// Takes one certificate, whatever names and dates stand in it.
#[derive(Debug)]
struct Pinned {
    expected: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found: [u8; 32] = Sha256::digest(end_entity).into();
        if found == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
