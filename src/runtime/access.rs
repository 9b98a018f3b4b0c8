//! Who may do what: tokens, their roles and their companies. Tokens are 256 random bits, kept as
//! SHA-256 and compared in constant time. Knows neither wire nor database; admission feeds it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::AccessError;
use crate::domain::ids::{CompanyId, CourierId, DepotId};
use crate::domain::time::Time;

/// The tokens that are in force, shared by every edge.
#[derive(Debug, Default)]
pub struct Access {
    /// By the first eight bytes of the hash, which tell nothing about the token.
    entries: RwLock<BTreeMap<u64, Vec<Entry>>>,
    uses: Mutex<BTreeMap<TokenId, Time>>,
}

impl Access {
    /// What a token allows; `None`: no such token, or it is revoked.
    #[must_use]
    pub fn authenticate(&self, token: &str) -> Option<Grant> {
        let hash = TokenHash::of(token);
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let bucket = entries.get(&hash.bucket())?;
        bucket.iter().find(|entry| bool::from(entry.hash.0.ct_eq(&hash.0))).map(|entry| entry.grant)
    }

    /// A token was used just then.
    pub fn used(&self, token: TokenId, at: Time) {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.insert(token, at);
    }

    /// When a token was last used, as far as is known.
    #[must_use]
    pub fn last_used(&self, token: TokenId) -> Option<Time> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).get(&token).copied()
    }

    /// When every token was last used that was.
    #[must_use]
    pub fn uses(&self) -> BTreeMap<TokenId, Time> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets a token in.
    pub fn allow(&self, hash: TokenHash, grant: Grant) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let bucket = entries.entry(hash.bucket()).or_default();
        bucket.retain(|entry| entry.grant.token != grant.token);
        bucket.push(Entry { hash, grant });
    }

    /// Shuts a token out.
    pub fn revoke(&self, token: TokenId) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for bucket in entries.values_mut() {
            bucket.retain(|entry| entry.grant.token != token);
        }
        entries.retain(|_, bucket| !bucket.is_empty());
    }
}

#[derive(Debug)]
struct Entry {
    hash: TokenHash,
    grant: Grant,
}

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The company to which everything is scoped.
    pub company: CompanyId,
    /// What may be done.
    pub role: Role,
    /// The one courier of a device.
    pub courier: Option<CourierId>,
    /// The one depot of a location.
    pub depot: Option<DepotId>,
    /// The token itself, part of a sender's identity.
    pub token: TokenId,
}

/// Identity of a token, drawn from one counter, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub u64);

/// SHA-256 of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash under which a token is kept.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    fn bucket(&self) -> u64 {
        self.0[..8].iter().fold(0, |bucket, byte| bucket << 8 | u64::from(*byte))
    }
}

/// Draws a new token: 256 bits from the operating system, in hexadecimal. Shown once, kept nowhere.
///
/// # Errors
/// The operating system has no randomness to give.
pub fn draw_token() -> Result<String, AccessError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| AccessError::Randomness)?;
    Ok(hex(&bytes))
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// What a token's holder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Runs the company: documents, tokens; of company 1 also: other companies.
    Admin,
    /// The company's own server: documents, positions, events.
    Backend,
    /// One courier's device: positions and statuses.
    Device,
    /// Sends the positions of many couriers.
    Gateway,
    /// Reads documents and events.
    Subscriber,
    /// Reads documents.
    Read,
    /// One depot's own system: the deliveries of that depot.
    Location,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Admin,
        Self::Backend,
        Self::Device,
        Self::Gateway,
        Self::Subscriber,
        Self::Read,
        Self::Location,
    ];

    /// The name in requests and in the catalog.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Backend => "backend",
            Self::Device => "device",
            Self::Gateway => "gateway",
            Self::Subscriber => "subscriber",
            Self::Read => "read",
            Self::Location => "location",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether documents may be read.
    #[must_use]
    pub const fn reads(self) -> bool {
        matches!(self, Self::Admin | Self::Backend | Self::Subscriber | Self::Read)
    }

    /// Whether documents may be written.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Admin | Self::Backend)
    }

    /// Whether events may be read.
    #[must_use]
    pub const fn listens(self) -> bool {
        matches!(self, Self::Admin | Self::Backend | Self::Subscriber)
    }

    /// Whether positions may be sent; a device's only for its own courier.
    #[must_use]
    pub const fn reports(self) -> bool {
        matches!(self, Self::Admin | Self::Backend | Self::Device | Self::Gateway)
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Grant, Role, TokenHash, TokenId, draw_token};
    use crate::domain::ids::CompanyId;

    #[test]
    fn a_token_is_known_until_it_is_revoked() {
        let (access, token) = (Access::default(), draw_token().unwrap());
        let grant = Grant {
            company: CompanyId(1),
            role: Role::Backend,
            courier: None,
            depot: None,
            token: TokenId(7),
        };
        assert_eq!(token.len(), 64);
        assert_eq!(access.authenticate(&token), None);
        access.allow(TokenHash::of(&token), grant);
        assert_eq!(access.authenticate(&token), Some(grant));
        assert_eq!(access.authenticate(&token[1..]), None);
        access.revoke(TokenId(7));
        assert_eq!(access.authenticate(&token), None);
    }
}
