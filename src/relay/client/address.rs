//! Which addresses a destination may have, and how its name becomes addresses.
//!
//! With `deny_private` only addresses of the public internet are reached. The addresses that a name gives are checked
//! where they are used to connect, so a name that changes its mind between a check and a connection gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The address is not a public one, and the destination may have no other.
#[derive(Debug, thiserror::Error)]
#[error("the address of the destination is not public, and `deny_private` forbids such")]
pub(super) struct Denied;

/// The name has no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unresolved {
    /// The system said so.
    #[error("the name of the destination could not be resolved: {0}")]
    Failed(std::io::Error),
    /// An answer without addresses.
    #[error("the name of the destination has no address")]
    Empty,
}

/// Asks the system for the addresses of names.
#[derive(Debug)]
pub(super) struct Resolver {
    /// Only public addresses are given out.
    pub(super) deny_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let deny_private = self.deny_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(Unresolved::Failed)?;
            let all: Vec<SocketAddr> = found.collect();
            if all.is_empty() {
                return Err(Unresolved::Empty.into());
            }
            let allowed = |address: &SocketAddr| !deny_private || is_public(address.ip());
            let allowed: Vec<SocketAddr> = all.into_iter().filter(allowed).collect();
            if allowed.is_empty() {
                return Err(Denied.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether the URL itself gives an address that is not public. Names are looked at when they are resolved.
pub(super) fn is_private(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.parse().is_ok_and(|address: IpAddr| !is_public(address))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => is_public_four(four),
        IpAddr::V6(six) => is_public_six(six),
    }
}

/// All but the special-purpose blocks of RFC 6890 and its successors.
fn is_public_four(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match a {
        // This network, private, loopback; multicast and reserved.
        0 | 10 | 127 | 224..=255 => true,
        // Shared by customers of one carrier.
        100 => (64..128).contains(&b),
        // Link-local, where clouds keep their metadata.
        169 => b == 254,
        172 => (16..32).contains(&b),
        // Protocol assignments, documentation, the old 6to4 relays, private.
        192 => matches!((b, c), (0, 0 | 2) | (88, 99) | (168, _)),
        // Benchmarks, documentation.
        198 => matches!((b, c), (18 | 19, _) | (51, 100)),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    !is_special
}

/// Global unicast without its special blocks. An address that stands for an IPv4 one is as public as that one.
fn is_public_six(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let four = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_four(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Mapped, translated by NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            four(high, low)
        }
        // Teredo and other protocol assignments, documentation.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        let public = "8.8.8.8 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 169.253.0.1 192.0.1.1 \
            198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111 2001:4860:4860::8888 ::ffff:8.8.8.8 \
            64:ff9b::8.8.8.8 2002:808:808::1";
        for address in public.split(' ') {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        let private = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 \
            172.16.0.0 172.31.255.255 192.0.0.8 192.168.1.1 198.18.0.1 198.19.255.255 203.0.113.5 224.0.0.1 \
            239.1.1.1 255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0:10.0.0.1 \
            64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::808:808 100::1 fc00::1 fdff::1 fe80::1 \
            fec0::1 ff02::1 2001::1 2001:db8::1 3fff::1 2002:7f00:1::1 2002:a00:1::1 4000::1";
        for address in private.split(' ') {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn addresses_in_urls_are_seen_in_every_spelling() {
        let private = [
            "http://127.0.0.1/x",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://017700000001/",
            "http://0/",
            "http://[::1]:8080/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://user:word@10.0.0.1/",
        ];
        for url in private {
            assert!(is_private(&Url::parse(url).unwrap()), "{url}");
        }
        for url in
            ["https://8.8.8.8/", "https://[2606:4700::1111]/", "https://example.com/127.0.0.1", "http://localhost/"]
        {
            assert!(!is_private(&Url::parse(url).unwrap()), "{url}");
        }
    }
}
