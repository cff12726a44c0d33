//! A world small enough to fold by hand: calls in, a snapshot out. Everything is kept as plainly as it can be.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use roaring::RoaringBitmap;

use super::calls::{MINUTE_MS, minute, track};
use crate::call::Marks;
use crate::call::time::Time;
use crate::journal::Sequence;
use crate::query::address::{Address, EmailLookup};
use crate::query::{CursorKey, Page};
use crate::views::card::Card;
use crate::views::entry::{Entry, EntryKind, ListId, Place, Tag};
use crate::views::fold_parts::{Contact, group_of_context, is_inactive, name_of, traits_of};
use crate::views::identity::{Graph, Naming, NodeKey, NodeNo, Order};
use crate::views::names::{GroupNo, Name, NameNo, Source, SourceNo};
use crate::views::snapshot::{Minute, Snapshot, ViewError};
use crate::views::state::{Class, GroupState, NodeState, Stamp, Summary, join_traits};
use crate::views::turnover::Turnover;

#[derive(Default)]
pub(in crate::query) struct World {
    pub(in crate::query) graph: Graph,
    cards: Vec<Card>,
    pub(in crate::query) lists: BTreeMap<ListId, BTreeMap<Place, Entry>>,
    names: Vec<Name>,
    name_nodes: BTreeMap<NameNo, RoaringBitmap>,
    sources: Vec<Source>,
    groups: Vec<GroupState>,
    nodes: Vec<NodeState>,
    owners: BTreeMap<Sequence, NodeNo>,
    /// Of whom the search index does not know the newest.
    pub(in crate::query) unsearched: RoaringBitmap,
    /// Nobody waits for an answer.
    pub(in crate::query) is_forsaken: bool,
}

impl World {
    pub(in crate::query) fn of(calls: impl IntoIterator<Item = Card>) -> Self {
        let mut world = Self::default();
        for call in calls {
            world.take(call);
        }
        world
    }

    fn received(&mut self, mut card: Card) -> Card {
        let number = i64::try_from(self.cards.len()).unwrap() + 1;
        card.sequence = self.through();
        card.message_id = format!("m{number}");
        card.received_at = minute(number);
        if card.timestamp == Time::default() {
            card.timestamp = card.received_at;
        }
        self.cards.push(card.clone());
        card
    }

    fn add(&mut self, list: ListId, entry: Entry) {
        self.lists.entry(list).or_default().insert(entry.place, entry);
    }

    pub(in crate::query) fn take(&mut self, card: Card) -> Sequence {
        let card = self.received(card);
        let naming = Naming {
            sequence: card.sequence,
            user_id: card.user_id.as_deref(),
            anonymous_id: card.anonymous_id.as_deref(),
            previous_id: card.target.as_deref().filter(|_| card.kind == EntryKind::Alias),
            may_merge_users: true,
        };
        let verdict = self.graph.apply(&naming, &mut Vec::new());
        for (node, id) in verdict.appeared {
            assert_eq!(node.0 as usize, self.nodes.len());
            self.nodes.push(NodeState { id, ..NodeState::default() });
        }
        let Some(node) = verdict.node else { return card.sequence };
        self.owners.insert(card.sequence, node);
        let entry = self.entry(&card, node);
        self.add(ListId::Node(node), entry);
        for carrier in [Some(node), verdict.carried].into_iter().flatten() {
            self.carry(carrier, &card, entry.place.time);
        }
        self.file(&card, entry, node);
        card.sequence
    }

    fn entry(&mut self, card: &Card, node: NodeNo) -> Entry {
        let time = card.timestamp.min(card.received_at);
        let source = self.sent(card);
        let text = name_of(card.kind, card.name.as_deref(), card.category.as_deref());
        let name = text.map_or(NameNo::NONE, |text| {
            let known = self.names.iter().position(|name| name.kind == card.kind && name.text == text);
            let at = known.unwrap_or_else(|| {
                let (text, hidden) = (text.into_owned(), card.kind == EntryKind::Page);
                self.names.push(Name { kind: card.kind, text, count: 0, first_seen: time, last_seen: time, hidden });
                self.names.len() - 1
            });
            let name = &mut self.names[at];
            name.count += 1;
            name.first_seen = name.first_seen.min(time);
            name.last_seen = name.last_seen.max(time);
            let number = NameNo(u32::try_from(at).unwrap() + 1);
            self.name_nodes.entry(number).or_default().insert(node.0);
            number
        });
        Entry { place: Place { time, sequence: card.sequence }, tag: Tag { kind: card.kind, source, name } }
    }

    fn sent(&mut self, card: &Card) -> SourceNo {
        let at = self.sources.iter().position(|source| source.name == card.source).unwrap_or_else(|| {
            self.sources.push(Source { name: card.source.clone(), calls: 0, last_call_at: None });
            self.sources.len() - 1
        });
        if card.kind != EntryKind::Control {
            self.sources[at].calls += 1;
            self.sources[at].last_call_at = self.sources[at].last_call_at.max(Some(card.received_at));
        }
        SourceNo(u16::try_from(at).unwrap())
    }

    fn carry(&mut self, node: NodeNo, card: &Card, time: Time) {
        let state = &mut self.nodes[node.0 as usize];
        if card.kind != EntryKind::Alias {
            state.calls += 1;
            state.first_seen = Some(state.first_seen.map_or(time, |first| first.min(time)));
            state.last_seen = state.last_seen.max(Some(time));
        }
        if card.kind == EntryKind::Identify && self.owners[&card.sequence] == node {
            let stamp = Stamp { time: card.timestamp, sequence: card.sequence };
            join_traits(&mut state.traits, traits_of(&card.payload, &card.context, stamp));
        }
    }

    fn file(&mut self, card: &Card, entry: Entry, node: NodeNo) {
        if entry.tag.name != NameNo::NONE {
            self.add(ListId::Feed, entry);
            self.add(ListId::Name(entry.tag.name), entry);
            self.add(ListId::Source(entry.tag.source), entry);
            let own = || self.group_of(self.graph.root(node)).map(|number| self.groups[number.0 as usize].id.clone());
            let named = group_of_context(&card.context).map(std::borrow::Cow::into_owned).or_else(own);
            if let Some(id) = named {
                let number = self.seen_group(&id, entry.place.time);
                self.add(ListId::Group(number), entry);
            }
        } else if let (EntryKind::Group, Some(id)) = (card.kind, &card.target) {
            let number = self.seen_group(id, entry.place.time);
            let stamp = Stamp { time: card.timestamp, sequence: card.sequence };
            let state = &mut self.groups[number.0 as usize];
            join_traits(&mut state.traits, traits_of(&card.payload, &card.context, stamp));
            self.add(ListId::Group(number), entry);
        }
    }

    fn seen_group(&mut self, id: &str, time: Time) -> GroupNo {
        let at = self.groups.iter().position(|group| group.id == id).unwrap_or_else(|| {
            self.groups.push(GroupState { id: id.to_owned(), ..GroupState::default() });
            self.groups.len() - 1
        });
        let state = &mut self.groups[at];
        state.first_seen = Some(state.first_seen.map_or(time, |first| first.min(time)));
        state.last_seen = state.last_seen.max(Some(time));
        GroupNo(u32::try_from(at).unwrap())
    }

    fn order(&mut self, name: &str, payload: String, order: &Order) -> Sequence {
        let card = Card { source: "roundtower".to_owned(), marks: Marks::CONTROL, payload, ..track("-", "-", name) };
        let card = self.received(Card { kind: EntryKind::Control, ..card });
        let mut changes = Vec::new();
        let undone = match order {
            Order::Undo(sequence) => self.graph.link_by(*sequence),
            Order::Merge { .. } => None,
        };
        self.graph.order(card.sequence, order, &mut changes).unwrap();
        let link = undone.or_else(|| self.graph.link_by(card.sequence)).unwrap();
        let root = self.graph.root(link.to);
        let entry = self.entry(&card, root);
        self.add(ListId::Node(root), entry);
        card.sequence
    }

    /// An operator merges two people.
    pub(in crate::query) fn merge(&mut self, from: &str, into: &str) -> Sequence {
        let (from, into) = (self.key(from), self.key(into));
        self.order("merge", format!(r#"{{"from":"{from}","into":"{into}"}}"#), &Order::Merge { from, into })
    }

    /// An operator undoes a merge.
    pub(in crate::query) fn undo(&mut self, sequence: Sequence) -> Sequence {
        self.order("undo", format!(r#"{{"sequence":{sequence}}}"#), &Order::Undo(sequence))
    }

    /// The node at an address such as `user_id:u1`.
    pub(in crate::query) fn node_at(&self, address: &str) -> NodeNo {
        Address::parse(address).unwrap().node(self, self, None).unwrap()
    }

    pub(in crate::query) fn root_at(&self, address: &str) -> NodeNo {
        self.graph.root(self.node_at(address))
    }

    pub(in crate::query) fn key(&self, address: &str) -> NodeKey {
        self.graph.key(self.root_at(address))
    }

    pub(in crate::query) fn hide(&mut self, text: &str, hidden: bool) {
        self.names.iter_mut().filter(|name| name.text == text).for_each(|name| name.hidden = hidden);
    }

    fn own_rows(&self, root: NodeNo) -> impl Iterator<Item = (&Entry, &Card)> {
        let lists = self.graph.ids(root).into_iter().filter_map(|node| self.lists.get(&ListId::Node(node)));
        lists.flat_map(BTreeMap::values).map(|entry| (entry, &self.cards[index(entry.place.sequence)]))
    }
}

fn index(sequence: Sequence) -> usize {
    usize::try_from(sequence.get()).unwrap() - 1
}

impl EmailLookup for World {
    fn by_email(&self, email: &str) -> Vec<NodeNo> {
        let nodes = (0..self.graph.len()).map(NodeNo);
        nodes.filter(|node| Contact::of(&self.nodes[node.0 as usize].traits).email.as_deref() == Some(email)).collect()
    }
}

impl Snapshot for World {
    fn has_time(&self) -> bool {
        !self.is_forsaken
    }

    fn through(&self) -> Sequence {
        Sequence::new(self.cards.len() as u64 + 1)
    }

    fn graph(&self) -> &Graph {
        &self.graph
    }

    fn summary(&self, root: NodeNo) -> Summary {
        let mut summary = Summary::default();
        for (entry, card) in self.own_rows(root) {
            if matches!(card.kind, EntryKind::Alias | EntryKind::Control) {
                continue;
            }
            summary.events += u64::from(entry.tag.name != NameNo::NONE);
            if !is_inactive(&card.context) {
                let time = entry.place.time;
                summary.first_seen = Some(summary.first_seen.map_or(time, |first| first.min(time)));
                summary.last_seen = summary.last_seen.max(Some(time));
            }
        }
        summary
    }

    fn bounds(&self) -> Vec<(u32, u32, Summary)> {
        // Blocks of three, so that small worlds have several.
        let block = |first: u32| {
            let end = (first + 3).min(self.graph.len());
            let mut bound = Summary::default();
            for summary in (first..end).map(|root| self.summary(NodeNo(root))) {
                bound.first_seen = bound.first_seen.max(summary.first_seen);
                bound.last_seen = bound.last_seen.max(summary.last_seen);
                bound.events = bound.events.max(summary.events);
            }
            (first, end, bound)
        };
        (0..self.graph.len()).step_by(3).map(block).collect()
    }

    fn group_of(&self, root: NodeNo) -> Option<GroupNo> {
        let groups = self.own_rows(root).filter(|(_, card)| card.kind == EntryKind::Group);
        let newest = groups.max_by_key(|(_, card)| (card.timestamp, card.sequence));
        self.group_no(newest?.1.target.as_deref()?)
    }

    fn node(&self, node: NodeNo) -> Result<NodeState, ViewError> {
        Ok(self.nodes[node.0 as usize].clone())
    }

    fn list<'a>(
        &'a self,
        list: ListId,
        before: Option<Place>,
    ) -> Box<dyn Iterator<Item = Result<Entry, ViewError>> + 'a> {
        let Some(entries) = self.lists.get(&list) else { return Box::new(std::iter::empty()) };
        match before {
            Some(before) => Box::new(entries.range(..before).rev().map(|(_, entry)| Ok(*entry))),
            None => Box::new(entries.values().rev().map(|entry| Ok(*entry))),
        }
    }

    fn cards(&self, sequences: &[Sequence]) -> Result<Vec<Card>, ViewError> {
        Ok(sequences.iter().filter_map(|sequence| self.cards.get(index(*sequence))).cloned().collect())
    }

    fn names(&self) -> Box<dyn Iterator<Item = (NameNo, &Name)> + '_> {
        Box::new((1..).map(NameNo).zip(&self.names))
    }

    fn name(&self, number: NameNo) -> Option<&Name> {
        self.names.get((number.0 as usize).checked_sub(1)?)
    }

    fn names_called(&self, text: &str) -> Vec<NameNo> {
        self.names().filter(|(_, name)| name.text == text).map(|(number, _)| number).collect()
    }

    fn name_nodes(&self, number: NameNo) -> RoaringBitmap {
        self.name_nodes.get(&number).cloned().unwrap_or_default()
    }

    fn source(&self, number: SourceNo) -> &str {
        &self.sources[usize::from(number.0)].name
    }

    fn sender(&self, number: SourceNo) -> Option<&Source> {
        self.sources.get(usize::from(number.0))
    }

    fn source_no(&self, name: &str) -> Option<SourceNo> {
        self.sources.iter().position(|known| known.name == name).map(|at| SourceNo(u16::try_from(at).unwrap()))
    }

    fn group_no(&self, id: &str) -> Option<GroupNo> {
        self.groups.iter().position(|group| group.id == id).map(|at| GroupNo(u32::try_from(at).unwrap()))
    }

    fn groups(&self) -> u32 {
        u32::try_from(self.groups.len()).unwrap()
    }

    fn group(&self, number: GroupNo) -> Result<GroupState, ViewError> {
        Ok(self.groups[number.0 as usize].clone())
    }

    fn members(&self, number: GroupNo) -> BTreeSet<NodeNo> {
        let roots = (0..self.graph.len()).map(NodeNo).filter(|node| self.graph.is_root(*node));
        roots.filter(|root| self.group_of(*root) == Some(number)).collect()
    }

    fn minutes(&self, range: Range<i64>) -> Result<Vec<(i64, Minute)>, ViewError> {
        let mut minutes: BTreeMap<i64, Minute> = BTreeMap::new();
        for card in self.cards.iter().filter(|card| card.kind != EntryKind::Control) {
            let at = card.received_at.as_millis().div_euclid(MINUTE_MS);
            let counts = minutes.entry(at).or_default();
            counts.types[card.kind as usize - 1] += 1;
            *counts.sources.entry(self.source_no(&card.source).unwrap()).or_default() += 1;
            counts.active.extend(self.owners.get(&card.sequence).map(|node| node.0));
        }
        Ok(minutes.range(range).map(|(at, counts)| (*at, counts.clone())).collect())
    }

    fn turnovers(&self, key: &str, hours: Range<i64>) -> Result<Vec<(i64, Turnover)>, ViewError> {
        let mut found = BTreeMap::<i64, Turnover>::new();
        for card in self.cards.iter().filter(|card| card.kind == EntryKind::Identify) {
            let time = card.timestamp.min(card.received_at);
            let traits = traits_of(&card.payload, &card.context, Stamp { time, sequence: card.sequence });
            let Some(one) = traits.get(key).filter(|one| matches!(one.class, Class::Audience | Class::JourneyStep))
            else {
                continue;
            };
            let counts = found.entry(time.as_millis().div_euclid(60 * MINUTE_MS)).or_default();
            match one.value.as_deref() {
                Some("true" | "\"true\"") => counts.entered += 1,
                Some("false" | "\"false\"") | None => counts.left += 1,
                Some(_) => {}
            }
        }
        Ok(found.range(hours).map(|(hour, one)| (*hour, *one)).collect())
    }

    fn unsearched(&self) -> RoaringBitmap {
        self.unsearched.clone()
    }

    fn sequence_after(&self, time: Time) -> Result<Sequence, ViewError> {
        let later = self.cards.iter().find(|card| card.received_at > time);
        Ok(later.map_or(self.through(), |card| card.sequence))
    }
}

/// A page of some list.
pub(in crate::query) fn first(limit: usize) -> Page<'static> {
    static KEY: std::sync::LazyLock<CursorKey> = std::sync::LazyLock::new(|| CursorKey::new(b"secret"));
    Page { limit, cursor: None, key: &KEY, route: "r", filter: "f" }
}
