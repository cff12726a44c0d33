//! What an operator wants delivered again, as the body of a request says it, checked word by word.

use serde::Deserialize;
use serde_json::Value;

use super::status::{Edge, Selection, Span};
use crate::call::CallType;
use crate::call::limits::ID_BYTES_MAX;
use crate::call::time::Time;
use crate::journal::{ReadError, Sequence};

/// Which sources sent a call of one name, and where each call is.
pub type Places = Vec<(String, Sequence)>;

/// What is wanted; nothing at all means all dead letters.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// One call, by what its sender named it.
    pub message_id: Option<String>,
    /// The source of that call, where several have one of that name.
    pub source: Option<String>,
    /// One call, by its place in the journal.
    pub sequence: Option<u64>,
    /// Where a range begins: a sequence, or a time of receipt.
    pub from: Option<Value>,
    /// Where a range ends (not included).
    pub to: Option<Value>,
    /// Only this type of call.
    pub r#type: Option<String>,
    /// Only this event.
    pub event: Option<String>,
    /// `dead` (dead letters, the usual) or `all` (what was delivered, too).
    pub state: Option<String>,
}

/// Why it cannot be ordered.
#[derive(Debug, thiserror::Error)]
pub enum WantedError {
    /// A member is wrong, or they do not go together.
    #[error("{0}")]
    Unclear(String),
    /// No source sent a call of that name.
    #[error("there is no call with this `message_id`")]
    Nowhere,
    /// The journal.
    #[error(transparent)]
    Read(#[from] ReadError),
}

fn unclear<T>(text: impl Into<String>) -> Result<T, WantedError> {
    Err(WantedError::Unclear(text.into()))
}

impl Wanted {
    /// In the words of the relay. `find` tells which sources sent a call of this name, and where each is.
    ///
    /// # Errors
    /// See [`WantedError`].
    pub fn selection(&self, find: &dyn Fn(&str) -> Result<Places, ReadError>) -> Result<Selection, WantedError> {
        let ranged = [&self.r#type, &self.event, &self.state].iter().any(|one| one.is_some());
        let ranged = ranged || self.from.is_some() || self.to.is_some();
        match (&self.message_id, self.sequence) {
            (Some(_), Some(_)) => unclear("`message_id` and `sequence` both name one call; give one of them"),
            (Some(_), _) | (_, Some(_)) if ranged => {
                unclear("one call has no `from`, `to`, `type`, `event` or `state`; leave them out")
            }
            (None, _) if self.source.is_some() => unclear("`source` goes with `message_id`"),
            (Some(id), None) => self.named(find(id)?).map(Selection::One),
            (None, Some(0)) => unclear("`sequence` has to be a whole number from 1"),
            (None, Some(sequence)) => Ok(Selection::One(Sequence::new(sequence))),
            (None, None) => self.span(),
        }
    }

    fn named(&self, mut found: Places) -> Result<Sequence, WantedError> {
        found.retain(|(source, _)| self.source.as_ref().is_none_or(|wanted| wanted == source));
        match found.as_slice() {
            [] => Err(WantedError::Nowhere),
            [(_, sequence)] => Ok(*sequence),
            several => {
                let names: Vec<&str> = several.iter().map(|(source, _)| source.as_str()).collect();
                unclear(format!("several sources have this `message_id`; add `source`: {}", names.join(", ")))
            }
        }
    }

    fn span(&self) -> Result<Selection, WantedError> {
        let delivered_too = match self.state.as_deref() {
            None | Some("dead") => false,
            Some("all") => true,
            Some(_) => return unclear("`state` has to be `dead` (dead letters) or `all` (what was delivered, too)"),
        };
        let names = CallType::ALL.map(CallType::as_str).join(", ");
        let kind = match self.r#type.as_deref() {
            None => None,
            Some(name) => match CallType::ALL.into_iter().find(|kind| kind.as_str() == name) {
                None => return unclear(format!("`type` has to be one of {names}")),
                kind => kind,
            },
        };
        let event = self.event.clone();
        if event.as_ref().is_some_and(|event| event.is_empty() || event.len() > ID_BYTES_MAX) {
            return unclear(format!("`event` has to be 1 to {ID_BYTES_MAX} bytes long, or left out"));
        }
        let (from, until) = (edge("from", self.from.as_ref())?, edge("to", self.to.as_ref())?);
        // Everything there ever was is sent again only on purpose.
        if delivered_too && from.is_none() {
            return unclear("`state` = `all` needs `from`, a sequence or a time; 1 is the oldest call");
        }
        if from.is_none() && until.is_none() && kind.is_none() && event.is_none() {
            return Ok(Selection::Dead);
        }
        Ok(Selection::Span(Span { from, until, kind, event, delivered_too }))
    }
}

/// A place in the journal or a time.
fn edge(name: &str, value: Option<&Value>) -> Result<Option<Edge>, WantedError> {
    let edge = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => {
            number.as_u64().filter(|number| *number > 0).map(Sequence::new).map(Edge::Sequence)
        }
        // RFC 3339, or a bare date.
        Some(Value::String(text)) if text.get(4..5) == Some("-") => Time::parse(text).map(Edge::Time),
        Some(_) => None,
    };
    match edge {
        Some(edge) => Ok(Some(edge)),
        None => unclear(format!("`{name}` has to be a sequence from 1, or a time such as \"2026-11-23T12:00:00Z\"")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(body: Value) -> Result<Selection, String> {
        let wanted: Wanted = serde_json::from_value(body).map_err(|error| error.to_string())?;
        let find = |id: &str| {
            let all = [("web", "m-1", 7), ("web", "m-2", 8), ("api", "m-2", 9)];
            let of = all.into_iter().filter(|(_, name, _)| *name == id);
            Ok(of.map(|(source, _, sequence)| (source.to_owned(), Sequence::new(sequence))).collect())
        };
        wanted.selection(&find).map_err(|error| error.to_string())
    }

    #[test]
    fn each_form_has_its_meaning() {
        let one = |sequence| Selection::One(Sequence::new(sequence));
        assert_eq!(asked(json!({})).unwrap(), Selection::Dead);
        assert_eq!(asked(json!({"state": "dead"})).unwrap(), Selection::Dead);
        assert_eq!(asked(json!({"sequence": 5})).unwrap(), one(5));
        assert_eq!(asked(json!({"message_id": "m-1"})).unwrap(), one(7));
        assert_eq!(asked(json!({"message_id": "m-2", "source": "api"})).unwrap(), one(9));
        let from = Some(Edge::Sequence(Sequence::new(3)));
        let until = Time::parse("2026-11-23T12:00:00Z").map(Edge::Time);
        let span = Span { from, until, ..Span::default() };
        assert_eq!(asked(json!({"from": 3, "to": "2026-11-23T12:00:00Z"})).unwrap(), Selection::Span(span.clone()));
        let all = Span { delivered_too: true, kind: Some(CallType::Track), event: Some("Paid".to_owned()), ..span };
        let body = json!({"from": 3, "to": "2026-11-23T12:00:00Z", "state": "all", "type": "track", "event": "Paid"});
        assert_eq!(asked(body).unwrap(), Selection::Span(all));
        let kind = Span { kind: Some(CallType::Page), ..Span::default() };
        assert_eq!(asked(json!({"type": "page"})).unwrap(), Selection::Span(kind));
    }

    #[test]
    fn what_is_unclear_is_refused_with_what_would_be_right() {
        for (body, words) in [
            (json!({"message_id": "m-1", "sequence": 7}), "give one of them"),
            (json!({"message_id": "m-1", "state": "dead"}), "leave them out"),
            (json!({"sequence": 7, "from": 1}), "leave them out"),
            (json!({"sequence": 0}), "whole number from 1"),
            (json!({"sequence": -1}), "invalid number"),
            (json!({"source": "web"}), "goes with `message_id`"),
            (json!({"message_id": "m-2"}), "add `source`: web, api"),
            (json!({"message_id": "m-2", "source": "other"}), "no call with this"),
            (json!({"message_id": "m-3"}), "no call with this"),
            (json!({"from": 0}), "`from` has to be a sequence from 1, or a time"),
            (json!({"to": "5"}), "`to` has to be a sequence from 1, or a time"),
            (json!({"to": "yesterday"}), "`to` has to be"),
            (json!({"from": 1.5}), "`from` has to be"),
            (json!({"from": [1]}), "`from` has to be"),
            (json!({"state": "all"}), "needs `from`"),
            (json!({"state": "delivered"}), "`dead` (dead letters) or `all`"),
            (json!({"type": "Track"}), "one of identify, track"),
            (json!({"event": ""}), "1 to"),
            (json!({"event": "x".repeat(ID_BYTES_MAX + 1)}), "1 to"),
            (json!({"state": 5}), "invalid type"),
            (json!({"messageId": "m-1"}), "unknown field"),
        ] {
            let text = asked(body.clone()).unwrap_err();
            assert!(text.contains(words), "{body}: {text}");
        }
    }
}
