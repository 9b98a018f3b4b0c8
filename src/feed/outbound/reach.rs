//! Which IP addresses a customer's URL may lead to: those of the public internet, so that nobody
//! makes the daemon ask the machines beside it, and what the operator says otherwise.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// The rule. What is denied is denied, what is allowed is allowed, the rest must be public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Networks that may be reached although they are not public, and without TLS too.
    pub allowed: Vec<Network>,
    /// Networks that may not be reached although they are public or allowed.
    pub denied: Vec<Network>,
}

impl Reach {
    /// Whether an address may be reached.
    #[must_use]
    pub fn allows(&self, ip: IpAddr, is_encrypted: bool) -> bool {
        let ip = ip.to_canonical();
        let is_in = |networks: &[Network]| networks.iter().any(|network| network.contains(ip));
        if is_in(&self.denied) {
            return false;
        }
        is_in(&self.allowed) || is_encrypted && is_public(ip)
    }
}

fn is_public(ip: IpAddr) -> bool {
    let special = SPECIAL.iter().map(|(ip, bits)| Network { ip: *ip, bits: *bits });
    // Of IPv6 only 2000::/3 is given to anybody.
    let is_given = match ip {
        IpAddr::V4(_) => true,
        IpAddr::V6(ip) => ip.segments()[0] & 0xE000 == 0x2000,
    };
    is_given && !special.into_iter().any(|network| network.contains(ip))
}

/// A network: `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    ip: IpAddr,
    bits: u8,
}

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected a network, such as 10.0.0.0/8 or fd00::/8")]
pub struct NetworkError;

impl Network {
    fn contains(&self, ip: IpAddr) -> bool {
        let bits = u32::from(self.bits);
        match (self.ip, ip) {
            (IpAddr::V4(ours), IpAddr::V4(ip)) => {
                (ours.to_bits() ^ ip.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(ip)) => {
                (ours.to_bits() ^ ip.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (ip, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        let ip: IpAddr = ip.parse().map_err(|_| NetworkError)?;
        let bits_max = if ip.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(bits_max), str::parse).map_err(|_| NetworkError)?;
        if bits > bits_max { Err(NetworkError) } else { Ok(Self { ip, bits }) }
    }
}

const fn v4(a: u8, b: u8, c: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, 0))
}

const fn v6(a: u16, b: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0))
}

/// The IANA's special-purpose registries: this host, private, shared, loopback, link-local,
/// protocols, documentation, benchmarks, multicast, reserved; and of 2000::/3 what carries other
/// addresses inside.
const SPECIAL: [(IpAddr, u8); 19] = [
    (v4(0, 0, 0), 8),
    (v4(10, 0, 0), 8),
    (v4(100, 64, 0), 10),
    (v4(127, 0, 0), 8),
    (v4(169, 254, 0), 16),
    (v4(172, 16, 0), 12),
    (v4(192, 0, 0), 24),
    (v4(192, 0, 2), 24),
    (v4(192, 88, 99), 24),
    (v4(192, 168, 0), 16),
    (v4(198, 18, 0), 15),
    (v4(198, 51, 100), 24),
    (v4(203, 0, 113), 24),
    (v4(224, 0, 0), 4),
    (v4(240, 0, 0), 4),
    (v6(0x2001, 0), 23),
    (v6(0x2001, 0xDB8), 32),
    (v6(0x2002, 0), 16),
    (v6(0x3FFF, 0), 20),
];

#[cfg(test)]
mod tests {
    use super::{Network, Reach};

    #[test]
    fn only_the_public_internet_is_reached_unless_said_otherwise() {
        let reach = Reach::default();
        let refused = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
        ];
        for ip in refused {
            assert!(!reach.allows(ip.parse().unwrap(), true), "{ip}");
        }
        for ip in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"] {
            assert!(reach.allows(ip.parse().unwrap(), true), "{ip}");
            assert!(!reach.allows(ip.parse().unwrap(), false), "{ip} without TLS");
        }
    }

    #[test]
    fn what_is_denied_goes_before_what_is_allowed() {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let reach = Reach {
            allowed: networks(&["10.0.0.0/8", "::1", "127.0.0.1"]),
            denied: networks(&["10.9.0.0/16", "1.1.1.1"]),
        };
        for (ip, allowed) in [
            ("10.1.0.1", true),
            ("10.9.0.1", false),
            ("1.1.1.1", false),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("::1", true),
            ("::2", false),
        ] {
            assert_eq!(reach.allows(ip.parse().unwrap(), false), allowed, "{ip}");
        }
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "host", "1.2.3.4/-1"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        assert!("0.0.0.0/0".parse::<Network>().is_ok_and(|all| all.contains([8, 8, 8, 8].into())));
    }
}
