//! What is in a body that a relay sends: one call, or a batch of them; nothing more is read than is shown.

use std::borrow::Cow;
use std::io::Read as _;

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

const GZIP: &[u8] = &[0x1f, 0x8b];

/// One call, as far as it is shown. Texts are as they came: not yet safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived<'a> {
    /// `windsor`, `segment` or `partner`.
    pub format: &'static str,
    /// Its type.
    pub kind: Cow<'a, str>,
    /// Its event, name, group or previous id; empty when it has none.
    pub name: Cow<'a, str>,
    /// Its id.
    pub message_id: Cow<'a, str>,
    /// `userId`, else `anonymousId`.
    pub person: Cow<'a, str>,
}

/// A body, not packed any more.
pub(super) struct Body<'a>(Cow<'a, [u8]>);

/// The calls of a body.
pub(super) enum Calls<'a> {
    One(&'a RawValue),
    Batch(Vec<&'a RawValue>),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    batch: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Members<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    group_id: Option<&'a RawValue>,
    #[serde(borrow)]
    previous_id: Option<&'a RawValue>,
    #[serde(borrow)]
    message_id: Option<&'a RawValue>,
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    anonymous_id: Option<&'a RawValue>,
}

impl<'a> Body<'a> {
    /// Unpacks what is packed with gzip, up to a limit.
    pub(super) fn unpack(bytes: &'a [u8], bytes_max: usize) -> Option<Self> {
        if !bytes.starts_with(GZIP) {
            return Some(Self(Cow::Borrowed(bytes)));
        }
        let (mut plain, limit) = (Vec::new(), u64::try_from(bytes_max).ok()?);
        MultiGzDecoder::new(bytes).take(limit + 1).read_to_end(&mut plain).ok()?;
        (plain.len() <= bytes_max).then_some(Self(Cow::Owned(plain)))
    }

    /// Its calls; none when it is no JSON object.
    pub(super) fn calls(&self) -> Option<Calls<'_>> {
        // Asked first, because a struct is also read from an array.
        if self.0.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        let envelope: Envelope<'_> = serde_json::from_slice(&self.0).ok()?;
        if let Some(batch) = envelope.batch {
            return Some(Calls::Batch(batch));
        }
        serde_json::from_slice(&self.0).ok().map(Calls::One)
    }
}

impl<'a> Calls<'a> {
    /// How many.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Batch(batch) => batch.len(),
        }
    }

    /// What is shown of them. The type of a lone call may also stand at the end of the path.
    pub(super) fn arrived(&self, path: &'a str) -> Vec<Arrived<'a>> {
        match self {
            Self::One(call) => {
                let mut call = arrived(call, "partner");
                if call.kind.is_empty() {
                    call.kind = Cow::Borrowed(path.rsplit('/').next().unwrap_or_default());
                }
                vec![call]
            }
            Self::Batch(batch) => {
                let mut calls: Vec<Arrived<'_>> = batch.iter().map(|call| arrived(call, "segment")).collect();
                if !calls.is_empty() && calls.iter().all(|call| call.kind == "user" || call.kind == "event") {
                    for call in &mut calls {
                        call.format = "windsor";
                    }
                }
                calls
            }
        }
    }
}

fn arrived<'a>(call: &'a RawValue, format: &'static str) -> Arrived<'a> {
    let members: Members<'_> = serde_json::from_str(call.get()).unwrap_or_default();
    let first = |all: &[Option<&'a RawValue>]| {
        let texts = all.iter().flatten().map(|member| text(member));
        texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    };
    Arrived {
        format,
        kind: first(&[members.kind]),
        name: first(&[members.event, members.name, members.group_id, members.previous_id]),
        message_id: first(&[members.message_id]),
        person: first(&[members.user_id, members.anonymous_id]),
    }
}

/// A string as text, null as nothing, anything else as it is written.
fn text(member: &RawValue) -> Cow<'_, str> {
    let raw = member.get();
    if raw == "null" {
        return Cow::Borrowed("");
    }
    match serde_json::from_str::<String>(raw) {
        Ok(text) => Cow::Owned(text),
        Err(_) => Cow::Borrowed(raw),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(body: &str, path: &str) -> Option<Vec<[String; 5]>> {
        let body = Body::unpack(body.as_bytes(), 1_000).unwrap();
        let calls = body.calls()?;
        let of = |call: Arrived<'_>| {
            let own = |text: Cow<'_, str>| text.into_owned();
            [call.format.to_owned(), own(call.kind), own(call.name), own(call.message_id), own(call.person)]
        };
        let all = calls.arrived(path);
        assert_eq!(all.len(), calls.len());
        Some(all.into_iter().map(of).collect())
    }

    fn line(words: [&str; 5]) -> [String; 5] {
        words.map(str::to_owned)
    }

    #[test]
    fn the_three_formats_are_told_apart() {
        let hook = r#"{"batch":[{"type":"user","userId":"u","messageId":"1"},{"type":"event","event":"E","messageId":"2","anonymousId":"a"}]}"#;
        let expected = vec![line(["windsor", "user", "", "1", "u"]), line(["windsor", "event", "E", "2", "a"])];
        assert_eq!(read(hook, "/key"), Some(expected));
        let batch =
            r#"{"batch":[{"type":"page","name":"Home","messageId":"1","userId":null,"anonymousId":"a"}],"sentAt":"x"}"#;
        assert_eq!(read(batch, "/v1/batch"), Some(vec![line(["segment", "page", "Home", "1", "a"])]));
        let one = r#"{"type":"group","groupId":"g","messageId":"1","userId":7,"traits":{"userId":"no"}}"#;
        assert_eq!(read(one, "/"), Some(vec![line(["partner", "group", "g", "1", "7"])]));
        assert_eq!(read(r#"{"event":"E"}"#, "/v1/track"), Some(vec![line(["partner", "track", "E", "", ""])]));
        assert_eq!(read(r#"{"batch":[]}"#, "/"), Some(Vec::new()));
        assert_eq!(read(r#"{"batch":[7,null]}"#, "/").map(|all| all.len()), Some(2));
    }

    #[test]
    fn what_is_no_call_is_refused() {
        for body in ["", "x", "[]", "[[]]", "7", "null", "{", r#"{"batch":7}"#, r#"{"batch":[}"#] {
            assert_eq!(read(body, "/"), None, "{body}");
        }
    }

    #[test]
    fn packed_bodies_are_unpacked_up_to_the_limit() {
        let packed = |length: usize| {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            packed.write_all(&vec![b' '; length]).unwrap();
            packed.finish().unwrap()
        };
        assert!(Body::unpack(&packed(1_000), 1_000).is_some());
        assert!(Body::unpack(&packed(1_001), 1_000).is_none());
        assert!(Body::unpack(b"\x1f\x8bjunk", 1_000).is_none());
    }
}
