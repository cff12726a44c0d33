//! Who came and went: calls that put somebody into an audience or a step of a journey, or took somebody out, counted by
//! key and hour. Counts add up: whatever the order of calls, the same comes out.

use super::codec;
use super::fold_parts::boolean;
use super::search::KEY_BYTES_MAX;
use super::state::{Class, Trait, Traits};
use crate::call::time::Time;

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;
/// Keys of one call that are counted, in the order of keys: senders choose them.
const CALL_KEYS_MAX: usize = 1_000;

/// What the calls of one hour did to one audience.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turnover {
    /// Calls that put somebody in.
    pub entered: u64,
    /// Calls that took somebody out.
    pub left: u64,
}

impl Turnover {
    /// Adds other calls.
    pub const fn add(&mut self, more: Self) {
        self.entered += more.entered;
        self.left += more.left;
    }

    /// What a value of such a trait does: true puts in, false takes out, and so does a null. Anything else is neither.
    fn of(one: &Trait) -> Option<Self> {
        match one.value.as_deref().map(boolean) {
            Some(Some(true)) => Some(Self { entered: 1, left: 0 }),
            Some(Some(false)) | None => Some(Self { entered: 0, left: 1 }),
            Some(None) => None,
        }
    }
}

/// The hour of a time, since 1970.
pub(super) const fn hour(time: Time) -> i64 {
    time.as_millis().div_euclid(HOUR_MS)
}

/// What the traits of one call do to audiences and steps of journeys.
pub(super) fn of_call(traits: &Traits) -> impl Iterator<Item = (&str, Turnover)> {
    let counted = |(key, one): &(&String, &Trait)| {
        matches!(one.class, Class::Audience | Class::JourneyStep) && key.len() <= KEY_BYTES_MAX
    };
    let all = traits.iter().filter(counted).take(CALL_KEYS_MAX);
    all.filter_map(|(key, one)| Some((key.as_str(), Turnover::of(one)?)))
}

pub(super) fn write(turnover: Turnover) -> Vec<u8> {
    codec::write_plain((turnover.entered, turnover.left))
}

pub(super) fn read(bytes: &[u8]) -> Option<Turnover> {
    let (entered, left) = codec::read_plain(bytes).ok()?;
    Some(Turnover { entered, left })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Sequence;
    use crate::views::fold_parts::traits_of;
    use crate::views::state::Stamp;

    const STAMP: Stamp = Stamp { time: Time::from_millis(5), sequence: Sequence::new(7) };

    fn of(class: &str, payload: &str) -> Vec<(String, u64, u64)> {
        let context = format!(r#"{{"personas":{{"computation_class":"{class}"}}}}"#);
        let traits = traits_of(payload, &context, STAMP);
        of_call(&traits).map(|(key, one)| (key.to_owned(), one.entered, one.left)).collect()
    }

    #[test]
    fn only_booleans_and_nulls_of_audiences_and_journeys_count() {
        let payload = r#"{"a":true,"b":"true","c":false,"d":"false","e":null,"f":1,"g":"yes","h":{}}"#;
        let expected = [("a", 1, 0), ("b", 1, 0), ("c", 0, 1), ("d", 0, 1), ("e", 0, 1)];
        let expected = expected.map(|(key, entered, left)| (key.to_owned(), entered, left));
        for class in ["audience", "journey_step"] {
            assert_eq!(of(class, payload), expected, "{class}");
        }
        for class in ["trait", "computed_trait", "none"] {
            assert_eq!(of(class, payload), [], "{class}");
        }
    }

    #[test]
    fn long_keys_and_too_many_keys_are_left_out() {
        let (fits, over) = ("k".repeat(KEY_BYTES_MAX), "k".repeat(KEY_BYTES_MAX + 1));
        assert_eq!(of("audience", &format!(r#"{{"{fits}":true,"{over}":true}}"#)), [(fits, 1, 0)]);
        let payload = |count: usize| {
            let members: Vec<String> = (0..count).map(|number| format!(r#""k{number:05}":true"#)).collect();
            format!("{{{}}}", members.join(","))
        };
        assert_eq!(of("audience", &payload(CALL_KEYS_MAX)).len(), CALL_KEYS_MAX);
        let most = of("audience", &payload(CALL_KEYS_MAX + 1));
        assert_eq!((most.len(), most[CALL_KEYS_MAX - 1].0.as_str()), (CALL_KEYS_MAX, "k00999"));
    }

    #[test]
    fn hours_are_whole_also_before_1970() {
        let hours = [-1, 0, HOUR_MS - 1, HOUR_MS].map(|millis| hour(Time::from_millis(millis)));
        assert_eq!(hours, [-1, 0, 0, 1]);
    }

    #[test]
    fn counts_come_back_and_cut_ones_do_not() {
        let one = Turnover { entered: 3, left: u64::MAX };
        let bytes = write(one);
        assert_eq!(read(&bytes), Some(one));
        assert!((0..bytes.len()).all(|length| read(&bytes[..length]).is_none()));
    }
}
