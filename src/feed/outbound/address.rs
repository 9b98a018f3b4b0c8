//! An address that a customer chose: an absolute `http` or `https` URL without a user in it.

use std::net::{IpAddr, Ipv6Addr};

use hyper::Uri;
use thiserror::Error;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    is_encrypted: bool,
    host: String,
    authority: String,
    port: u16,
    path: String,
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// Longer than [`ADDRESS_CHARS_MAX`].
    #[error("expected at most {ADDRESS_CHARS_MAX} characters")]
    Long,
    /// Not an absolute URL.
    #[error("expected an absolute URL, such as https://example.com/callbacks")]
    Relative,
    /// Neither `https` nor `http`.
    #[error("expected https, or http where the settings allow the address")]
    Scheme,
    /// A user or a password stands before the host.
    #[error("expected no user and no password in the URL")]
    User,
    /// Something stands after a `#`.
    #[error("expected no fragment in the URL")]
    Fragment,
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// It is none that a request can be sent to.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.len() > ADDRESS_CHARS_MAX {
            return Err(AddressError::Long);
        }
        if text.contains('#') {
            return Err(AddressError::Fragment);
        }
        let uri: Uri = text.parse().map_err(|_| AddressError::Relative)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(AddressError::Relative);
        };
        let is_encrypted = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(AddressError::Scheme),
        };
        if authority.as_str().contains('@') {
            return Err(AddressError::User);
        }
        let host = authority.host();
        if host.is_empty() {
            return Err(AddressError::Relative);
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = authority.as_str().to_owned();
        Ok(Self { is_encrypted, host, authority, port, path: path.to_owned() })
    }

    /// Whether it asks for TLS.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The host, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host, if it is an IP address and no name.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok().or_else(|| self.host.parse::<Ipv6Addr>().ok().map(IpAddr::V6))
    }

    /// Host and port as they were written.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Path and query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Longest address.
pub const ADDRESS_CHARS_MAX: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::{Address, AddressError};

    #[test]
    fn an_address_is_an_absolute_url_without_a_user() {
        let good = Address::parse("https://example.com/callbacks?shop=1").unwrap();
        assert_eq!(
            (good.host(), good.port(), good.path()),
            ("example.com", 443, "/callbacks?shop=1")
        );
        let plain = Address::parse("http://[::1]:8000").unwrap();
        assert_eq!((plain.host(), plain.port(), plain.path()), ("::1", 8000, "/"));
        assert_eq!((plain.ip().is_some(), plain.is_encrypted()), (true, false));
        for (text, why) in [
            ("/callbacks", AddressError::Relative),
            ("example.com", AddressError::Relative),
            ("", AddressError::Relative),
            ("https://", AddressError::Relative),
            ("https://a b/", AddressError::Relative),
            ("ftp://example.com/", AddressError::Scheme),
            ("https://user:word@example.com/", AddressError::User),
            ("https://example.com/#top", AddressError::Fragment),
        ] {
            assert_eq!(Address::parse(text), Err(why), "{text}");
        }
        let long = format!("https://example.com/{}", "x".repeat(2_048));
        assert_eq!(Address::parse(&long), Err(AddressError::Long));
    }
}
