//! The fold: one record into the views. Two steps: [`Reading::of`] looks at the record and may fail, [`World::fold`]
//! changes the views and cannot. A record that fails is parked with its reason, and changes nothing else.

use std::borrow::Cow;

use super::entry::{Entry, EntryKind, ListId, Place, Tag};
use super::fold_parts;
use super::identity::{Naming, NodeKey, NodeNo, Order, Shift, Verdict};
use super::names::{GroupNo, NameNo, SourceNo};
use super::state::{Stamp, Traits, join_traits};
use super::turnover;
use super::world::World;
use crate::call::ids::{AnonymousId, UserId};
use crate::call::time::Time;
use crate::call::{Marks, Target};
use crate::journal::{Record, Sequence};

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// What the fold needs of a record.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    place: Place,
    stamp: Stamp,
    received_at: Time,
    source: &'a str,
    kind: EntryKind,
    type_slot: usize,
    marks: Marks,
    user_id: Option<&'a str>,
    anonymous_id: Option<&'a str>,
    previous_id: Option<&'a str>,
    group_id: Option<&'a str>,
    traits: Option<Traits>,
    context_group: Option<Cow<'a, str>>,
    inactive: bool,
    name: Option<Cow<'a, str>>,
    order: Option<Ordered>,
}

/// An operator's order.
#[derive(Debug)]
enum Ordered {
    Identity(Order),
    Hide {
        name: String,
        hidden: bool,
    },
    /// Somebody was erased: the records say so themselves.
    Erase,
}

impl<'a> Reading<'a> {
    /// Looks at a record.
    ///
    /// # Errors
    /// Why it has to be parked.
    pub(super) fn of(record: &'a Record<'a>) -> Result<Self, String> {
        let call = &record.call;
        let control = call.marks.has(Marks::CONTROL);
        let kind = super::card::kind_of(call.kind, call.marks);
        let (previous_id, group_id) = match &call.target {
            Target::Previous(id) => (Some(id.as_str()), None),
            Target::Group(id) => (None, Some(id.as_str())),
            Target::None => (None, None),
        };
        let stamp = Stamp { time: call.timestamp, sequence: record.sequence };
        let has_traits = matches!(kind, EntryKind::Identify | EntryKind::Group);
        Ok(Self {
            place: Place { time: call.timestamp.min(record.received_at), sequence: record.sequence },
            stamp,
            received_at: record.received_at,
            source: record.source,
            kind,
            type_slot: call.kind as usize,
            marks: call.marks,
            user_id: call.user_id.as_ref().map(UserId::as_str),
            anonymous_id: call.anonymous_id.as_ref().map(AnonymousId::as_str),
            previous_id,
            group_id,
            traits: has_traits.then(|| fold_parts::traits_of(&call.payload, &call.context, stamp)),
            context_group: if kind.is_event() { fold_parts::group_of_context(&call.context) } else { None },
            inactive: fold_parts::is_inactive(&call.context),
            name: kind.is_event().then(|| full_name(kind, call.name.as_deref(), call.category.as_deref())),
            order: if control { Some(order(call.name.as_deref(), &call.payload)?) } else { None },
        })
    }

    /// The record.
    pub(super) const fn sequence(&self) -> Sequence {
        self.place.sequence
    }
}

/// What a call is called in the catalogue: the event, or the full name of a page or screen.
fn full_name<'a>(kind: EntryKind, name: Option<&'a str>, category: Option<&str>) -> Cow<'a, str> {
    let name = name.filter(|name| !name.is_empty());
    match (kind, name, category.filter(|category| !category.is_empty())) {
        (EntryKind::Page | EntryKind::Screen, Some(name), Some(category)) => format!("{category} {name}").into(),
        (_, Some(name), _) => name.into(),
        (EntryKind::Page, None, _) => "Loaded a Page".into(),
        (EntryKind::Screen, None, _) => "Loaded a Screen".into(),
        (_, None, _) => "".into(),
    }
}

fn order(name: Option<&str>, payload: &str) -> Result<Ordered, String> {
    let payload: serde_json::Value =
        serde_json::from_str(payload).map_err(|error| format!("control record: {error}"))?;
    let text = |key: &str| payload.get(key).and_then(serde_json::Value::as_str);
    let key = |key: &str| text(key).and_then(|text| text.parse::<NodeKey>().ok());
    let found = match name {
        Some("merge") => {
            key("from").zip(key("into")).map(|(from, into)| Ordered::Identity(Order::Merge { from, into }))
        }
        Some("undo") => {
            let sequence = payload.get("sequence").and_then(serde_json::Value::as_u64).filter(|number| *number > 0);
            sequence.map(|sequence| Ordered::Identity(Order::Undo(Sequence::new(sequence))))
        }
        Some(hide @ ("hide" | "show")) => {
            text("name").map(|name| Ordered::Hide { name: name.to_owned(), hidden: hide == "hide" })
        }
        Some("erase") => Some(Ordered::Erase),
        _ => None,
    };
    found.ok_or_else(|| "a control record that says nothing known".to_owned())
}

impl World {
    /// Folds a record that could not be read: it is remembered, with the reason, and nothing else changes.
    pub(super) fn park(&mut self, sequence: Sequence, reason: String) {
        self.fresh.bytes += reason.len() + 64;
        self.fresh.parked.insert(sequence, reason);
        self.parked += 1;
        self.next = sequence.plus(1);
    }

    /// Folds one record. It has to be the next one.
    pub(super) fn fold(&mut self, reading: &Reading<'_>) {
        if reading.marks.has(Marks::ERASED) {
            // As if it had never been there; only its place is passed.
            self.next = reading.sequence().plus(1);
            return;
        }
        self.received_at = self.received_at.max(Some(reading.received_at));
        let source = self.source(reading.source);
        match &reading.order {
            Some(order) => self.obey(reading, order),
            None => self.fold_call(reading, source),
        }
        if reading.order.is_none() {
            let minute = self.fresh.minutes.entry(reading.received_at.as_millis().div_euclid(MINUTE_MS)).or_default();
            if let Some(count) = minute.types.get_mut(reading.type_slot) {
                *count += 1;
            }
            *minute.sources.entry(source).or_default() += 1;
            minute.filtered += u64::from(reading.marks.has(Marks::FILTERED));
            self.count_call(source, reading.received_at);
        }
        self.next = reading.sequence().plus(1);
    }

    fn fold_call(&mut self, reading: &Reading<'_>, source: SourceNo) {
        if reading.marks.has(Marks::FILTERED) {
            return;
        }
        let naming = Naming {
            sequence: reading.sequence(),
            user_id: reading.user_id,
            anonymous_id: reading.anonymous_id,
            previous_id: reading.previous_id,
            may_merge_users: !reading.marks.has(Marks::MERGES_ANONYMOUS_ONLY),
        };
        let verdict = self.graph.apply(&naming, &mut self.fresh.changes);
        self.follow(&verdict);
        let Some(node) = verdict.node else { return };
        let root = self.graph.root(node);
        let minute = self.fresh.minutes.entry(reading.received_at.as_millis().div_euclid(MINUTE_MS)).or_default();
        minute.active.insert(node.0);
        self.count(reading, node, root, verdict.carried);
        let name = self.list_call(reading, source, node, root);
        if name != NameNo::NONE && self.names.sent_by(name, node.0) {
            self.fresh.name_nodes.entry(name).or_default().insert(node.0);
        }
        match reading.kind {
            EntryKind::Identify => {
                if let Some(traits) = reading.traits.as_ref().filter(|traits| !traits.is_empty()) {
                    self.fresh.weigh(traits);
                    self.fresh.count_turnover(traits, turnover::hour(reading.place.time));
                    join_traits(&mut self.fresh.node(node).traits, traits.clone());
                    self.contacts.remove(node.0);
                    self.stale.insert(node.0);
                }
            }
            EntryKind::Group => self.fold_group(reading, node, root),
            _ => {}
        }
    }

    /// Takes note of nodes that appeared and people who became one or fell apart.
    fn follow(&mut self, verdict: &Verdict) {
        for (node, id) in &verdict.appeared {
            self.fresh.bytes += id.len();
            id.clone_into(&mut self.fresh.node(*node).id);
            self.people.appear(*node);
            self.fresh.summaries.insert(node.0);
            self.stale.insert(node.0);
        }
        self.shift(&verdict.shifts);
    }

    fn shift(&mut self, shifts: &[Shift]) {
        for shift in shifts {
            self.people.shift(&self.graph, shift);
            match shift {
                Shift::Joined { from, into } => {
                    self.stale.insert(from.0);
                    self.stale.insert(into.0);
                }
                Shift::Split { from, into } => {
                    self.stale.insert(from.0);
                    self.stale.extend(into.iter().map(|root| root.0));
                }
            }
        }
    }

    /// First and last seen, events, and how often an id was carried.
    fn count(&mut self, reading: &Reading<'_>, node: NodeNo, root: NodeNo, carried: Option<NodeNo>) {
        let is_alias = reading.kind == EntryKind::Alias;
        let at = (!is_alias && !reading.inactive).then_some(reading.place.time);
        let events = u64::from(reading.kind.is_event());
        if at.is_some() || events > 0 {
            self.people.seen(node, root, at, events);
            self.fresh.summaries.insert(node.0);
        }
        if is_alias {
            return;
        }
        for node in std::iter::once(node).chain(carried) {
            let state = self.fresh.node(node);
            state.calls += 1;
            state.first_seen = super::delta::earliest(state.first_seen, Some(reading.place.time));
            state.last_seen = state.last_seen.max(Some(reading.place.time));
        }
    }

    /// Enters a call into the lists it stands in. Returns its name.
    fn list_call(&mut self, reading: &Reading<'_>, source: SourceNo, node: NodeNo, root: NodeNo) -> NameNo {
        let mut tag = Tag { kind: reading.kind, source, name: NameNo::NONE };
        let mut group = None;
        if let Some(name) = &reading.name {
            tag.name = self.name(reading, name);
            group = match &reading.context_group {
                Some(id) => Some(self.group(id)),
                None => self.people.group(root),
            };
        }
        let entry = Entry { place: reading.place, tag };
        self.fresh.list(ListId::Node(node), entry);
        if reading.kind.is_event() {
            self.fresh.list(ListId::Feed, entry);
            self.fresh.list(ListId::Source(source), entry);
            if tag.name != NameNo::NONE {
                self.fresh.list(ListId::Name(tag.name), entry);
            }
            if let Some(group) = group {
                self.fresh.list(ListId::Group(group), entry);
                self.see_group(group, reading.place.time);
            }
        }
        tag.name
    }

    /// Counts a name in the catalogue.
    fn name(&mut self, reading: &Reading<'_>, text: &str) -> NameNo {
        let at = reading.place.time;
        let number = self.names.number(reading.kind, text, at);
        if let Some(name) = self.names.get_mut(number) {
            name.count += 1;
            name.first_seen = name.first_seen.min(at);
            name.last_seen = name.last_seen.max(at);
            self.fresh.names.insert(number);
        }
        number
    }

    fn fold_group(&mut self, reading: &Reading<'_>, node: NodeNo, root: NodeNo) {
        let Some(id) = reading.group_id else { return };
        let group = self.group(id);
        if self.people.joins_group(node, root, group, reading.stamp) {
            self.fresh.memberships.insert(node.0);
        }
        if let Some(traits) = &reading.traits {
            self.fresh.weigh(traits);
            join_traits(&mut self.fresh.group(group).traits, traits.clone());
        }
        self.see_group(group, reading.place.time);
        let source = self.source(reading.source);
        let tag = Tag { kind: reading.kind, source, name: NameNo::NONE };
        self.fresh.list(ListId::Group(group), Entry { place: reading.place, tag });
    }

    fn see_group(&mut self, group: GroupNo, at: Time) {
        let state = self.fresh.group(group);
        state.first_seen = super::delta::earliest(state.first_seen, Some(at));
        state.last_seen = state.last_seen.max(Some(at));
    }

    /// Does what an operator ordered. An order that changes nothing any more is no error: it was right when it was given.
    fn obey(&mut self, reading: &Reading<'_>, order: &Ordered) {
        match order {
            Ordered::Erase => {}
            Ordered::Hide { name, hidden } => {
                for number in self.names.called(name) {
                    if let Some(name) = self.names.get_mut(number) {
                        name.hidden = *hidden;
                        self.fresh.names.insert(number);
                    }
                }
            }
            Ordered::Identity(order) => {
                let source = self.source(reading.source);
                let parts = self.graph.order(reading.sequence(), order, &mut self.fresh.changes);
                let Ok(shifts) = parts else { return };
                self.shift(&shifts);
                let tag = Tag { kind: EntryKind::Control, source, name: NameNo::NONE };
                for root in shifts.iter().flat_map(whose) {
                    self.fresh.list(ListId::Node(root), Entry { place: reading.place, tag });
                }
            }
        }
    }
}

/// On whose timeline an order shows.
fn whose(shift: &Shift) -> Vec<NodeNo> {
    match shift {
        Shift::Joined { into, .. } => vec![*into],
        Shift::Split { into, .. } => into.clone(),
    }
}
