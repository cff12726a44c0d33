//! What an answer means, and when to try again: pure rules (segment-protocol of delivery: 2xx delivered, 408, 429 and 5xx
//! again, the rest given up).

use std::time::Duration;

use jiff::fmt::strtime;

use super::settings::Destination;
use crate::call::time::Time;

/// The pauses between attempts, in milliseconds, with the `retry_initial_ms` of the first: ten attempts in four hours.
const PAUSES_MS: [u64; 9] = [10_000, 20_000, 60_000, 210_000, 600_000, 1_500_000, 3_000_000, 3_600_000, 4_500_000];
/// What they grow from.
const PAUSE_INITIAL_MS: u64 = 10_000;
/// Pauses are spread by a quarter to both sides, so that what failed together does not come back together.
const SPREAD: f64 = 0.25;

/// How one request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A whole answer, or as much of it as we read.
    Status {
        /// The HTTP status.
        status: u16,
        /// `Retry-After`, from now on; absent or unreadable is `None`. Not clamped.
        retry_after: Option<Duration>,
        /// What the receiver said, capped and made printable; empty when it said nothing of use.
        text: String,
    },
    /// No answer.
    Failed {
        /// Why, in a fixed word: see [`Failure`].
        failure: Failure,
        /// One line for people, without secrets.
        text: String,
    },
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The name could not be resolved.
    Dns,
    /// The connection was refused, or could not be made.
    Connect,
    /// TLS could not be agreed on.
    Tls,
    /// No whole answer within the time limit.
    Timeout,
    /// The connection broke after the request was begun.
    Reset,
    /// The address is not allowed (`deny_private`).
    Denied,
    /// The answer was no HTTP, or redirected where we do not follow.
    Protocol,
}

impl Failure {
    /// The word shown to operators.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Denied => "denied",
            Self::Protocol => "protocol",
        }
    }
}

/// What an answer means for the calls of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted.
    Delivered,
    /// Temporary: again later, not before this much time.
    Retry {
        /// Asked for by the receiver, clamped.
        after: Option<Duration>,
    },
    /// The receiver will never take it. In a batch of several: one of them is bad.
    Refused,
    /// The request was too large: again in smaller pieces; alone it is refused.
    TooLarge,
    /// The key is wrong (401, 403).
    Unauthorized,
    /// The receiver does not know this type of call (501).
    Unsupported,
}

/// What the answer means by the policy; `Retry-After` is clamped to the destination's longest pause.
///
/// Nothing that could pass by itself gives a call up: no answer at all, and a status that means nothing, is temporary.
pub fn judge(answer: &Answer, to: &Destination) -> Verdict {
    let Answer::Status { status, retry_after, .. } = answer else { return Verdict::Retry { after: None } };
    match status {
        200..=299 => Verdict::Delivered,
        401 | 403 => Verdict::Unauthorized,
        413 => Verdict::TooLarge,
        501 => Verdict::Unsupported,
        408 | 429 => retry(*retry_after, to),
        // A redirect that was not followed will not be followed next time either.
        300..=499 => Verdict::Refused,
        _ => retry(*retry_after, to),
    }
}

fn retry(after: Option<Duration>, to: &Destination) -> Verdict {
    Verdict::Retry { after: after.map(|after| after.min(Duration::from_millis(to.retry_max_ms))) }
}

/// How long to wait before this attempt; the first one is 1 and waits for nothing.
///
/// `jitter`, 0 to 1, spreads it by a quarter to both sides. `retry_max_ms` bounds it before it is spread.
pub fn pause_before(attempt: u32, to: &Destination, jitter: f64) -> Duration {
    let Some(place) = attempt.checked_sub(2) else { return Duration::ZERO };
    let place = usize::try_from(place).unwrap_or(usize::MAX).min(PAUSES_MS.len() - 1);
    let usual = PAUSES_MS.get(place).copied().unwrap_or(PAUSE_INITIAL_MS);
    // All of the usual pauses are whole multiples of the first.
    let scaled = (usual / PAUSE_INITIAL_MS).saturating_mul(to.retry_initial_ms);
    let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 0.5 };
    Duration::from_millis(scaled.min(to.retry_max_ms)).mul_f64(1.0 - SPREAD + 2.0 * SPREAD * jitter)
}

/// Reads `Retry-After`: whole seconds, or a date in any of the three forms of HTTP; a past one means at once. Anything
/// else is `None`. Not clamped.
pub fn retry_after(text: &str, now: Time) -> Option<Duration> {
    const DATES: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds is a very long time, not junk.
        return Some(Duration::from_secs(text.parse::<u32>().unwrap_or(u32::MAX).into()));
    }
    let date = DATES.iter().find_map(|form| strtime::parse(form, text).and_then(|parts| parts.to_datetime()).ok())?;
    let millis = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
    Some(Duration::from_millis(u64::try_from(millis.saturating_sub(now.as_millis())).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::secret::Secret;
    use crate::relay::settings::Format;

    fn destination() -> Destination {
        Destination::new("there", Format::Partner, "http://127.0.0.1:1", Secret::new("key".to_owned()))
    }

    fn verdict(status: u16) -> Verdict {
        judge(&Answer::Status { status, retry_after: None, text: String::new() }, &destination())
    }

    #[test]
    fn every_status_means_what_the_policy_says() {
        let again = Verdict::Retry { after: None };
        for status in 0..=999_u16 {
            let expected = match status {
                200..=299 => Verdict::Delivered,
                401 | 403 => Verdict::Unauthorized,
                408 | 429 => again,
                413 => Verdict::TooLarge,
                501 => Verdict::Unsupported,
                300..=499 => Verdict::Refused,
                _ => again,
            };
            assert_eq!(verdict(status), expected, "{status}");
        }
        for (status, expected) in [
            (200, Verdict::Delivered),
            (202, Verdict::Delivered),
            (204, Verdict::Delivered),
            (302, Verdict::Refused),
            (307, Verdict::Refused),
            (400, Verdict::Refused),
            (401, Verdict::Unauthorized),
            (403, Verdict::Unauthorized),
            (404, Verdict::Refused),
            (408, again),
            (410, Verdict::Refused),
            (413, Verdict::TooLarge),
            (422, Verdict::Refused),
            (429, again),
            (500, again),
            (501, Verdict::Unsupported),
            (502, again),
            (503, again),
            (504, again),
            (599, again),
        ] {
            assert_eq!(verdict(status), expected, "{status}");
        }
    }

    #[test]
    fn no_answer_is_temporary() {
        use Failure::{Connect, Denied, Dns, Protocol, Reset, Timeout, Tls};
        for failure in [Dns, Connect, Tls, Timeout, Reset, Denied, Protocol] {
            let answer = Answer::Failed { failure, text: String::new() };
            assert_eq!(judge(&answer, &destination()), Verdict::Retry { after: None }, "{failure:?}");
        }
    }

    #[test]
    fn retry_after_counts_where_the_call_is_tried_again_and_is_clamped() {
        let judged = |status, seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            judge(&Answer::Status { status, retry_after, text: String::new() }, &destination())
        };
        for status in [408, 429, 500, 503] {
            assert_eq!(judged(status, 30), Verdict::Retry { after: Some(Duration::from_secs(30)) });
            assert_eq!(judged(status, 1_000_000), Verdict::Retry { after: Some(Duration::from_secs(4_500)) });
        }
        assert_eq!((judged(200, 30), judged(400, 30)), (Verdict::Delivered, Verdict::Refused));
    }

    #[test]
    fn pauses_grow_as_the_policy_says() {
        let to = destination();
        let seconds = |attempt, jitter| pause_before(attempt, &to, jitter).as_secs_f64();
        let middle: Vec<f64> = (0..=12).map(|attempt| seconds(attempt, 0.5)).collect();
        let expected = [0.0, 0.0, 10.0, 20.0, 60.0, 210.0, 600.0, 1_500.0, 3_000.0, 3_600.0, 4_500.0, 4_500.0, 4_500.0];
        assert!(middle.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6), "{middle:?}");
        assert!(expected.iter().take(11).sum::<f64>() < 14_400.0, "the tenth attempt is within the four hours");
        for (jitter, pause) in [(0.0, 7.5), (1.0, 12.5), (-3.0, 7.5), (9.0, 12.5), (f64::NAN, 10.0)] {
            assert!((seconds(2, jitter) - pause).abs() < 1e-6, "{jitter}");
        }
        assert!(seconds(u32::MAX, 1.0) < 5_625.1);
    }

    #[test]
    fn pauses_scale_with_the_first_and_stop_at_the_longest() {
        let to = Destination { retry_initial_ms: 100, retry_max_ms: 2_000, ..destination() };
        let millis: Vec<_> = (1..=7).map(|attempt| pause_before(attempt, &to, 0.5).as_millis()).collect();
        assert_eq!(millis, [0, 100, 200, 600, 2_000, 2_000, 2_000]);
        let huge = Destination { retry_initial_ms: u64::MAX, retry_max_ms: 60_000, ..destination() };
        assert_eq!(pause_before(10, &huge, 0.5), Duration::from_mins(1));
    }

    #[test]
    fn retry_after_is_read_in_every_form_of_http() {
        let now = Time::parse("1994-11-06T08:49:07Z").unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("99999999999999999999999", Some(u32::MAX.into())),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30)),
            ("Sun Nov  6 08:49:37 1994", Some(30)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("", None),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("120 seconds", None),
            ("0x10", None),
            ("\u{661}\u{662}", None),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("Sun, 31 Feb 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 GMT, 5", None),
            ("1994-11-06T08:49:37Z", None),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
