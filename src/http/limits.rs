//! How often somebody may come: sources by their kind, strangers by their address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use governor::clock::{Clock, DefaultClock, Reference as _};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::settings::Settings;
use crate::ingest::source::{Kind, Source};

/// Addresses whose failures are counted at the same time; with more, the settled ones are forgotten.
const ADDRESSES_MAX: usize = 100_000;

/// Wrong tokens that one address may try at logging in; more only after a while.
const WRONG_LOGINS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

type Moment = <DefaultClock as Clock>::Instant;

/// One limiter for each source and kind (whether it is `browser`): a changed kind begins anew.
type BySource = HashMap<(Arc<str>, bool), Arc<DefaultDirectRateLimiter>>;

/// The limiters of one server.
pub(super) struct Limits {
    browser: Option<Quota>,
    server: Option<Quota>,
    sources: RwLock<BySource>,
    failures: Option<DefaultKeyedRateLimiter<IpAddr>>,
    logins: DefaultKeyedRateLimiter<IpAddr>,
    /// Addresses that sent too many wrong tokens, and until when they are not listened to.
    barred: Mutex<HashMap<IpAddr, Moment>>,
    clock: DefaultClock,
}

impl Limits {
    /// From the settings; 0 means no limit.
    pub(super) fn new(settings: &Settings) -> Self {
        let quota = |rate: u32| NonZeroU32::new(rate).map(Quota::per_second);
        let failures = NonZeroU32::new(settings.unknown_key_answers_per_minute).map(Quota::per_minute);
        Self {
            browser: quota(settings.browser_requests_per_second),
            server: quota(settings.server_requests_per_second),
            sources: RwLock::default(),
            failures: failures.map(RateLimiter::keyed),
            logins: RateLimiter::keyed(Quota::per_minute(WRONG_LOGINS_PER_MINUTE)),
            barred: Mutex::default(),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of this source.
    ///
    /// # Errors
    /// Above the rate: when to come back, in seconds.
    pub(super) fn request(&self, source: &Source) -> Result<(), u32> {
        let quota = match source.kind {
            Kind::Browser => self.browser,
            Kind::Server => self.server,
        };
        let Some(quota) = quota else { return Ok(()) };
        self.limiter(source, quota).check().map_err(|not_until| seconds(not_until.wait_time_from(self.clock.now())))
    }

    /// Counts an unknown key or token from this address.
    ///
    /// # Errors
    /// Above the rate: when to come back, in seconds.
    pub(super) fn failure(&self, address: Option<IpAddr>) -> Result<(), u32> {
        let (Some(limiter), Some(address)) = (&self.failures, address) else { return Ok(()) };
        if limiter.len() > ADDRESSES_MAX {
            limiter.retain_recent();
        }
        let verdict = limiter.check_key(&group(address));
        verdict.map_err(|not_until| seconds(not_until.wait_time_from(self.clock.now())))
    }

    /// Whether this address may try to log in: also the right token is not looked at while it may not, or guessing would
    /// go on.
    ///
    /// # Errors
    /// After too many wrong tokens: when to come back, in seconds.
    pub(super) fn may_log_in(&self, address: Option<IpAddr>) -> Result<(), u32> {
        let Some(address) = address else { return Ok(()) };
        let (mut barred, now) = (self.barred.lock().unwrap_or_else(PoisonError::into_inner), self.clock.now());
        match barred.get(&group(address)) {
            Some(until) if *until > now => Err(seconds(until.duration_since(now).into())),
            Some(_) => {
                barred.remove(&group(address));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Counts a wrong token of somebody who tried to log in from this address.
    ///
    /// # Errors
    /// Above the rate: when to come back, in seconds.
    pub(super) fn wrong_login(&self, address: Option<IpAddr>) -> Result<(), u32> {
        let Some(address) = address else { return Ok(()) };
        if self.logins.len() > ADDRESSES_MAX {
            self.logins.retain_recent();
        }
        let Err(not_until) = self.logins.check_key(&group(address)) else { return Ok(()) };
        let now = self.clock.now();
        let mut barred = self.barred.lock().unwrap_or_else(PoisonError::into_inner);
        if barred.len() > ADDRESSES_MAX {
            barred.retain(|_, until| *until > now);
        }
        barred.insert(group(address), not_until.earliest_possible());
        Err(seconds(not_until.wait_time_from(now)))
    }

    fn limiter(&self, source: &Source, quota: Quota) -> Arc<DefaultDirectRateLimiter> {
        let key = (Arc::clone(&source.name), source.kind == Kind::Browser);
        if let Some(found) = self.sources.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(found);
        }
        let mut all = self.sources.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(key).or_insert_with(|| Arc::new(RateLimiter::direct(quota))))
    }
}

/// One subscriber has a whole /64 of IPv6 addresses.
fn group(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) & !u128::from(u64::MAX)).into()),
    }
}

fn seconds(wait: std::time::Duration) -> u32 {
    u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1).min(300)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(kind: Kind) -> Source {
        Source {
            name: Arc::from("a"),
            kind,
            enabled: true,
            signing_secret: None,
            merges: crate::ingest::source::Merges::All,
            deletes: false,
        }
    }

    #[test]
    fn the_rate_is_reached_but_not_passed() {
        let limits = Limits::new(&Settings { browser_requests_per_second: 3, ..Settings::default() });
        for _ in 0..3 {
            limits.request(&source(Kind::Browser)).unwrap();
        }
        assert_eq!(limits.request(&source(Kind::Browser)), Err(1));
        for _ in 0..100 {
            limits.request(&source(Kind::Server)).unwrap();
        }
    }

    #[test]
    fn after_too_many_wrong_tokens_nobody_logs_in_from_there() {
        let limits = Limits::new(&Settings::default());
        let (one, other) = ("1.1.1.1".parse().ok(), "2.2.2.2".parse().ok());
        for _ in 0..WRONG_LOGINS_PER_MINUTE.get() {
            assert!(limits.may_log_in(one).is_ok() && limits.wrong_login(one).is_ok());
        }
        assert!(limits.may_log_in(one).is_ok());
        assert!(limits.wrong_login(one).is_err_and(|wait| (1..=7).contains(&wait)));
        assert!(limits.may_log_in(one).is_err_and(|wait| (1..=7).contains(&wait)));
        assert!(limits.may_log_in(other).is_ok() && limits.wrong_login(other).is_ok());
    }

    #[test]
    fn failures_are_counted_by_address() {
        let limits = Limits::new(&Settings { unknown_key_answers_per_minute: 2, ..Settings::default() });
        let (one, other) = ("1.1.1.1".parse().ok(), "2.2.2.2".parse().ok());
        assert!(limits.failure(one).is_ok() && limits.failure(one).is_ok());
        assert!(limits.failure(one).is_err_and(|wait| (1..=31).contains(&wait)));
        assert!(limits.failure(other).is_ok());
        let (six, neighbour) = ("2001:db8::1".parse().ok(), "2001:db8::2".parse().ok());
        assert!(limits.failure(six).is_ok() && limits.failure(neighbour).is_ok());
        assert!(limits.failure(six).is_err());
    }
}
