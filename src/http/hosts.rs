//! Which host a request is for, and who sent it, when proxies stand in between.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::{header, uri};

use crate::config::Config;

/// Whose page made the request, as browsers tell it.
const FETCH_SITE: &str = "sec-fetch-site";

/// What this server knows about its own names and its proxies.
#[derive(Debug)]
pub(super) struct Hosts {
    allowed: Vec<String>,
    everywhere: bool,
    trusted_proxies: Vec<IpAddr>,
    public: Option<PublicUrl>,
}

/// Where senders reach this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicUrl {
    /// `http` or `https`.
    pub(super) protocol: String,
    /// Host, and port if it is not the usual one; with the path of `public_url`, if it has one.
    pub(super) host: String,
}

impl Hosts {
    /// From the configuration and the address listened on.
    pub(super) fn new(config: &Config, listening: SocketAddr) -> Self {
        let public = config.public_url.trim_end_matches('/').split_once("://");
        let public = public.map(|(protocol, host)| PublicUrl { protocol: protocol.to_owned(), host: host.to_owned() });
        let mut allowed: Vec<String> = config.allowed_hosts.iter().map(|host| bare(host)).collect();
        if let Some(public) = &public {
            allowed.push(bare(public.host.split('/').next().unwrap_or_default()));
        }
        if !listening.ip().is_unspecified() {
            allowed.push(listening.ip().to_string());
        }
        if let Some((host, _)) = config.listen.rsplit_once(':') {
            allowed.push(bare(host));
        }
        let everywhere = listening.ip().is_unspecified();
        Self { allowed, everywhere, trusted_proxies: config.trusted_proxies.clone(), public }
    }

    /// Whether pages other than ingest may be asked for by the host this request names.
    ///
    /// A name that a stranger's web page made up and pointed at this address is refused.
    pub(super) fn allows(&self, request: &HttpRequest) -> bool {
        let named = request.uri().host().or_else(|| text(request, &header::HOST));
        // HTTP/1.0 has no Host header; nothing that runs in a browser speaks it.
        let Some(named) = named else { return true };
        let host = bare(named);
        if host == "localhost" || host.ends_with(".localhost") || self.allowed.contains(&host) {
            return true;
        }
        // A page cannot make up an address: listening on all of them, each is ours.
        host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || self.everywhere)
    }

    /// Where the sender of this request reaches us: as configured, else as it, or a trusted proxy, says.
    pub(super) fn public(&self, request: &HttpRequest) -> Option<PublicUrl> {
        if self.public.is_some() {
            return self.public.clone();
        }
        let proxied = self.is_proxied(request);
        let forwarded = |name: &str| {
            let value = request.headers().get(name).filter(|_| proxied)?.to_str().ok()?;
            value.split(',').next().map(str::trim).filter(|value| !value.is_empty())
        };
        let host =
            forwarded("x-forwarded-host").or_else(|| text(request, &header::HOST)).filter(|host| is_host(host))?;
        let protocol = match forwarded("x-forwarded-proto") {
            Some("https") => "https",
            _ => "http",
        };
        Some(PublicUrl { protocol: protocol.to_owned(), host: host.to_owned() })
    }

    /// The address of the sender: the nearest one that is no trusted proxy.
    pub(super) fn sender(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr().map(|peer| canonical(peer.ip()))?;
        if !self.trusted_proxies.contains(&peer) {
            return Some(peer);
        }
        let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
        for hop in hops.iter().rev() {
            // Beyond an unreadable entry nothing can be trusted.
            let Some(address) = address_of(hop) else { break };
            if !self.trusted_proxies.contains(&address) {
                return Some(address);
            }
        }
        Some(peer)
    }

    /// Whether a browser says that a page of this server made the request. Scripts cannot set these headers.
    pub(super) fn is_own_page(&self, request: &HttpRequest) -> bool {
        let said = request.headers().contains_key(header::ORIGIN) || request.headers().contains_key(FETCH_SITE);
        said && !self.is_strange_page(request)
    }

    /// Whether a browser says that a page of somebody else made the request.
    pub(super) fn is_strange_page(&self, request: &HttpRequest) -> bool {
        let mut sites = request.headers().get_all(FETCH_SITE);
        let mut origins = request.headers().get_all(header::ORIGIN);
        sites.any(|site| site != "same-origin")
            || origins.any(|origin| !origin.to_str().is_ok_and(|origin| self.is_own_origin(origin, request)))
    }

    /// An origin is ours when it names the host that was asked for, which has been checked, or the public address.
    fn is_own_origin(&self, origin: &str, request: &HttpRequest) -> bool {
        let origin = origin.to_ascii_lowercase();
        let Some((protocol, host)) = origin.split_once("://") else { return false };
        let same = |named: &str| usual_port(protocol, host) == usual_port(protocol, &named.to_ascii_lowercase());
        let asked = request.uri().authority().map(uri::Authority::as_str);
        let public = self.public(request).filter(|public| public.protocol == protocol);
        let public = public.as_ref().and_then(|public| public.host.split('/').next());
        asked.or_else(|| text(request, &header::HOST)).is_some_and(same) || public.is_some_and(same)
    }

    fn is_proxied(&self, request: &HttpRequest) -> bool {
        request.peer_addr().is_some_and(|peer| self.trusted_proxies.contains(&canonical(peer.ip())))
    }
}

/// Without the port when it is the one that the protocol uses anyway.
fn usual_port<'a>(protocol: &str, host: &'a str) -> &'a str {
    let port = if protocol == "https" { ":443" } else { ":80" };
    host.strip_suffix(port).unwrap_or(host)
}

fn text<'a>(request: &'a HttpRequest, name: &header::HeaderName) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// Without port and brackets, in lower case.
fn bare(host: &str) -> String {
    let host = host.trim();
    let host = if let Some(rest) = host.strip_prefix('[') {
        rest.split(']').next().unwrap_or(rest)
    } else if host.matches(':').count() == 1 {
        host.split(':').next().unwrap_or(host)
    } else {
        host
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether a text looks like `host` or `host:port`; it goes into the settings that browsers load.
fn is_host(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']' | b'_');
    !text.is_empty() && text.len() <= 255 && text.bytes().all(plain)
}

/// An address, with or without a port.
fn address_of(hop: &str) -> Option<IpAddr> {
    let address = hop.parse::<IpAddr>().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(canonical)
}

fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn hosts(config: &str) -> Hosts {
        Hosts::new(&toml::from_str(config).unwrap(), "10.0.0.5:8080".parse().unwrap())
    }

    fn asks_for(host: &str) -> HttpRequest {
        TestRequest::get().uri("/status").insert_header(("Host", host)).to_http_request()
    }

    #[test]
    fn only_our_own_names_are_served() {
        let hosts = hosts("public_url = \"https://events.example.com/x\"\nallowed_hosts = [\"Inner:9\"]");
        for good in
            ["localhost:1", "127.0.0.1", "[::1]:80", "127.9.9.9:2", "10.0.0.5:8080", "events.example.com", "inner"]
        {
            assert!(hosts.allows(&asks_for(good)), "{good}");
        }
        for bad in ["evil.example", "localhost.evil.example", "10.0.0.6", "", "127.0.0.1.nip.example"] {
            assert!(!hosts.allows(&asks_for(bad)), "{bad}");
        }
    }

    #[test]
    fn a_change_comes_from_a_page_of_this_server() {
        let hosts = hosts("public_url = \"https://events.example.com/x\"\ntrusted_proxies = [\"10.0.0.1\"]");
        let asks = |headers: &[(&'static str, &'static str)]| {
            let request = TestRequest::post().uri("/api/merges").insert_header(("Host", "10.0.0.5:8080"));
            let request = headers.iter().fold(request, |request, one| request.append_header(*one));
            let request = request.peer_addr("10.0.0.1:1".parse().unwrap()).to_http_request();
            (hosts.is_own_page(&request), hosts.is_strange_page(&request))
        };
        for own in [
            &[("Origin", "http://10.0.0.5:8080")][..],
            &[("Origin", "HTTP://10.0.0.5:8080"), ("Sec-Fetch-Site", "same-origin")],
            &[("Sec-Fetch-Site", "same-origin")],
            &[("Origin", "https://events.example.com")],
            &[("Origin", "https://events.example.com:443")],
        ] {
            assert_eq!(asks(own), (true, false), "{own:?}");
        }
        for strange in [
            &[("Origin", "https://evil.example")][..],
            &[("Origin", "null")],
            &[("Origin", "")],
            &[("Origin", "http://10.0.0.5")],
            &[("Origin", "http://10.0.0.5:80801")],
            &[("Origin", "http://events.example.com")],
            &[("Origin", "https://events.example.com.evil.example")],
            &[("Sec-Fetch-Site", "same-site")],
            &[("Sec-Fetch-Site", "cross-site")],
            &[("Sec-Fetch-Site", "none")],
            &[("Origin", "http://10.0.0.5:8080"), ("Sec-Fetch-Site", "cross-site")],
            &[("Origin", "https://evil.example"), ("Sec-Fetch-Site", "same-origin")],
            &[("Origin", "http://10.0.0.5:8080"), ("Origin", "https://evil.example")],
        ] {
            assert_eq!(asks(strange), (false, true), "{strange:?}");
        }
        assert_eq!(asks(&[]), (false, false), "no browser said anything");
    }

    #[test]
    fn forwarded_headers_count_only_from_trusted_proxies() {
        let request = || {
            TestRequest::get()
                .insert_header(("Host", "inside:8080"))
                .insert_header(("X-Forwarded-Host", "shop.example"))
                .insert_header(("X-Forwarded-Proto", "https"))
                .insert_header(("X-Forwarded-For", "junk, 1.2.3.4, 10.0.0.1"))
        };
        let from = |peer: &str| request().peer_addr(peer.parse().unwrap()).to_http_request();
        let hosts = hosts("trusted_proxies = [\"10.0.0.1\", \"10.0.0.2\"]");
        let public = hosts.public(&from("10.0.0.2:1")).unwrap();
        assert_eq!((public.protocol.as_str(), public.host.as_str()), ("https", "shop.example"));
        assert_eq!(hosts.sender(&from("10.0.0.2:1")), Some("1.2.3.4".parse().unwrap()));
        let public = hosts.public(&from("9.9.9.9:1")).unwrap();
        assert_eq!((public.protocol.as_str(), public.host.as_str()), ("http", "inside:8080"));
        assert_eq!(hosts.sender(&from("9.9.9.9:1")), Some("9.9.9.9".parse().unwrap()));
    }
}
