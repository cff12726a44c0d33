//! Which records a destination does not get, and why. Pure.
//!
//! The loop guard stops calls that say they come from a Roundtower: `context.integration.name`, which Segment's partners
//! set to their own name in what they send. The relay itself never writes it. It would be a change to the sender's
//! data, and a chain of two servers would end at the second. Where destinations lead back to this server, every message
//! id comes back once, under the source it returns by, and is a duplicate from then on.

use std::borrow::Cow;

use super::format::carries;
use super::settings::Destination;
use crate::call::integrations::{excludes, member};
use crate::call::{CallType, Marks};
use crate::journal::Record;

/// The name by which calls say that they come from a Roundtower; in any letter case.
const SLUG: &str = "roundtower";

/// Why a record is not owed to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The sender's `integrations` exclude it.
    Integrations,
    /// The destination does not get this type of call.
    Type,
    /// The call came from us: relaying it would go in circles.
    Loop,
    /// An operator's order, not a sender's call.
    Control,
    /// It was erased.
    Erased,
}

impl Skip {
    /// The code shown to operators.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Integrations => "FILTERED_BY_INTEGRATIONS_OBJECT",
            Self::Type => "UNSUPPORTED_EVENT_TYPE",
            Self::Loop => "LOOP",
            Self::Control => "CONTROL",
            Self::Erased => "ERASED",
        }
    }
}

/// Whether the destination does not get this record, and why.
pub fn skip(record: &Record<'_>, to: &Destination) -> Option<Skip> {
    let call = &record.call;
    if record.is_erased() {
        return Some(Skip::Erased);
    }
    if call.marks.has(Marks::CONTROL) {
        return Some(Skip::Control);
    }
    let excluded = if to.own_name {
        call.marks.has(Marks::FILTERED)
    } else {
        call.integrations.as_ref().is_some_and(|integrations| excludes(integrations, &to.integration))
    };
    if excluded {
        Some(Skip::Integrations)
    } else if !carries(to.format, call.kind) || call.kind == CallType::Screen && !to.relay_screen {
        Some(Skip::Type)
    } else if comes_from_us(&call.context) {
        Some(Skip::Loop)
    } else {
        None
    }
}

fn comes_from_us(context: &str) -> bool {
    // Nearly no call says who passed it on. A key with escapes may read as `integration` without being written so.
    if memchr::memmem::find(context.as_bytes(), b"integration").is_none() && !context.contains('\\') {
        return false;
    }
    let name = member(context, "integration").and_then(|integration| member(integration, "name"));
    let name = name.and_then(|name| serde_json::from_str::<Cow<'_, str>>(name).ok());
    name.is_some_and(|name| name.eq_ignore_ascii_case(SLUG))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::secret::Secret;
    use crate::relay::format::tests::{call, record};
    use crate::relay::settings::Format;

    fn destination(format: Format) -> Destination {
        Destination::new("there", format, "http://127.0.0.1:1", Secret::new("key".to_owned()))
    }

    fn why(kind: CallType, marks: Marks, integrations: Option<&str>, to: &Destination) -> Option<Skip> {
        let mut call = call(kind);
        call.marks = marks;
        call.integrations = integrations.map(|text| text.to_owned().into());
        skip(&record(call), to)
    }

    #[test]
    fn orders_of_the_operator_go_nowhere() {
        for format in [Format::Windsor, Format::Partner, Format::Segment] {
            let found = why(CallType::Alias, Marks::CONTROL.with(Marks::FILTERED), None, &destination(format));
            assert_eq!(found, Some(Skip::Control));
        }
    }

    #[test]
    fn what_was_erased_goes_nowhere() {
        for format in [Format::Windsor, Format::Partner, Format::Segment] {
            assert_eq!(why(CallType::Track, Marks::ERASED, None, &destination(format)), Some(Skip::Erased));
        }
    }

    #[test]
    fn the_mark_decides_for_the_own_name_and_integrations_for_any_other() {
        let own = destination(Format::Partner);
        let other = Destination { integration: "Mixpanel".to_owned(), own_name: false, ..own.clone() };
        for (marks, integrations, to_own, to_other) in [
            (Marks::default(), None, true, true),
            (Marks::FILTERED, Some(r#"{"Windsor":false}"#), false, true),
            (Marks::default(), Some(r#"{"Mixpanel":false}"#), true, false),
            (Marks::FILTERED, Some(r#"{"All":false}"#), false, false),
            (Marks::FILTERED, Some(r#"{"All":false,"Mixpanel":true}"#), false, true),
            (Marks::default(), Some(r#"{"All":false,"Windsor":{}}"#), true, false),
            (Marks::default(), Some(r#"{"mixpanel":false}"#), true, true),
        ] {
            for (to, gets) in [(&own, to_own), (&other, to_other)] {
                let expected = (!gets).then_some(Skip::Integrations);
                assert_eq!(why(CallType::Track, marks, integrations, to), expected, "{integrations:?}");
            }
        }
    }

    #[test]
    fn each_format_gets_the_types_it_can_carry() {
        for format in [Format::Windsor, Format::Partner, Format::Segment] {
            for kind in CallType::ALL {
                let mut to = destination(format);
                let expected = (format == Format::Windsor && kind == CallType::Alias).then_some(Skip::Type);
                assert_eq!(why(kind, Marks::default(), None, &to), expected, "{format:?} {kind:?}");
                to.relay_screen = false;
                let expected = expected.or((kind == CallType::Screen).then_some(Skip::Type));
                assert_eq!(why(kind, Marks::default(), None, &to), expected, "{format:?} {kind:?}, no screens");
            }
        }
    }

    #[test]
    fn what_comes_from_us_is_not_sent_on() {
        for (context, ours) in [
            (r#"{"integration":{"name":"roundtower"}}"#, true),
            (r#"{"integration":{"version":"1","name":"RoundTower"}}"#, true),
            (r#"{"\u0069ntegration":{"n\u0061me":"\u0072oundtower"}}"#, true),
            (r#"{"integration":{"name":"Roundtower Inc"}}"#, false),
            (r#"{"integration":"roundtower"}"#, false),
            (r#"{"integration":{"name":["roundtower"]}}"#, false),
            (r#"{"integration":{"name":null}}"#, false),
            (r#"{"page":{"integration":{"name":"roundtower"}}}"#, false),
            (r#"{"Integration":{"name":"roundtower"}}"#, false),
            ("{}", false),
        ] {
            let mut call = call(CallType::Track);
            call.context = context.into();
            let found = skip(&record(call), &destination(Format::Segment));
            assert_eq!(found, ours.then_some(Skip::Loop), "{context}");
        }
    }
}
