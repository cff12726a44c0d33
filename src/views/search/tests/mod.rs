//! The whole search on real folders.

mod damage;
mod merging;
mod model;
mod order;
mod text;
mod traits;

use std::collections::BTreeSet;

use tempfile::TempDir;

use super::*;
use crate::views::state::Class;

/// An index in a folder of its own.
pub(super) struct Index {
    pub folder: TempDir,
    pub search: Search,
}

impl Index {
    pub(super) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let (search, through) = Search::open(&folder.path().join("search"), 0).unwrap();
        assert_eq!(through, None);
        Self { folder, search }
    }

    pub(super) fn of(docs: impl IntoIterator<Item = Doc>) -> Self {
        let index = Self::new();
        docs.into_iter().for_each(|doc| index.search.put(doc));
        index.search.commit(Sequence::new(2)).unwrap();
        index
    }

    /// Closes it and opens it again.
    pub(super) fn reopened(self) -> (Self, Option<Sequence>) {
        self.search.close().unwrap();
        let (search, through) = Search::open(&self.folder.path().join("search"), 0).unwrap();
        (Self { folder: self.folder, search }, through)
    }

    pub(super) fn roots(&self, filter: &Filter) -> BTreeSet<u32> {
        let roots = self.search.roots(filter).unwrap();
        assert_eq!(self.search.count(filter).unwrap(), roots.len(), "{filter:?}");
        roots.into_iter().collect()
    }

    pub(super) fn with_text(&self, text: &str) -> Vec<u32> {
        self.roots(&Filter { text: Some(text.to_owned()), ..everybody() }).into_iter().collect()
    }

    pub(super) fn with_trait(&self, path: &str, test: Test) -> Vec<u32> {
        self.roots(&Filter { traits: vec![(path.to_owned(), test)], ..everybody() }).into_iter().collect()
    }
}

pub(super) const NOBODY: [u32; 0] = [];

pub(super) fn everybody() -> Filter {
    Filter { anonymous: Anonymous::Include, ..Filter::default() }
}

pub(super) fn doc(root: u32) -> Doc {
    Doc {
        root: NodeNo(root),
        name: None,
        email: None,
        phone: None,
        ids: Vec::new(),
        traits: Vec::new(),
        computed: Vec::new(),
        known: true,
        complete: true,
    }
}

pub(super) fn computed(key: &str, class: Class, is_member: bool) -> Computed {
    Computed { key: key.to_owned(), class, is_member }
}

pub(super) fn named(root: u32, name: &str) -> Doc {
    Doc { name: Some(name.to_owned()), ..doc(root) }
}

pub(super) fn with(root: u32, traits: &[(&str, &str)]) -> Doc {
    let traits = traits.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Doc { traits, ..doc(root) }
}

#[test]
fn what_is_put_is_found_after_the_commit_and_not_before() {
    let index = Index::new();
    index.search.put(named(7, "Ada"));
    assert_eq!(index.with_text("ada"), NOBODY);
    index.search.commit(Sequence::new(5)).unwrap();
    assert_eq!(index.with_text("ada"), [7]);
    assert_eq!(index.search.through(), Sequence::new(5));

    index.search.put(named(7, "Grace"));
    index.search.put(named(7, "Grace Hopper"));
    index.search.put(named(8, "Joan"));
    index.search.remove(NodeNo(8));
    index.search.remove(NodeNo(9));
    assert_eq!(index.with_text("ada"), [7]);
    index.search.commit(Sequence::new(6)).unwrap();
    assert_eq!(index.with_text("ada"), NOBODY);
    assert_eq!(index.with_text("hopper"), [7]);
    assert_eq!(index.roots(&everybody()), BTreeSet::from([7]));

    index.search.remove(NodeNo(7));
    index.search.commit(Sequence::new(7)).unwrap();
    assert_eq!(index.roots(&everybody()), BTreeSet::new());
}

#[test]
fn reopening_gives_the_last_commit() {
    let index = Index::of([named(1, "Ada"), named(u32::MAX, "Grace")]);
    index.search.put(named(2, "Joan"));
    index.search.remove(NodeNo(1));
    let (index, through) = index.reopened();
    assert_eq!(through, Some(Sequence::new(2)));
    assert_eq!(index.search.through(), Sequence::new(2));
    assert_eq!(index.roots(&everybody()), BTreeSet::from([1, u32::MAX]));
    // A document that was there before is replaced, not doubled.
    index.search.put(named(1, "Ada Lovelace"));
    index.search.commit(Sequence::new(3)).unwrap();
    assert_eq!(index.roots(&everybody()), BTreeSet::from([1, u32::MAX]));
    assert_eq!(index.with_text("lovelace"), [1]);
    let (index, through) = index.reopened();
    assert_eq!(through, Some(Sequence::new(3)));
    assert_eq!(index.with_text("lovelace"), [1]);
}

#[test]
fn clearing_leaves_an_empty_index_that_works() {
    let index = Index::of((0..50).map(|root| named(root, "Ada")));
    index.search.clear().unwrap();
    assert_eq!(index.roots(&everybody()), BTreeSet::new());
    assert_eq!(index.search.through(), Sequence::FIRST);
    index.search.put(named(3, "Ada"));
    index.search.commit(Sequence::new(9)).unwrap();
    let (index, through) = index.reopened();
    assert_eq!(through, Some(Sequence::new(9)));
    assert_eq!(index.with_text("ada"), [3]);
    index.search.clear().unwrap();
    let (_, through) = index.reopened();
    assert_eq!(through, None);
}

#[test]
fn anonymous_and_incomplete_people_are_told_apart() {
    let index = Index::of([
        Doc { known: true, complete: true, ..doc(1) },
        Doc { known: true, complete: false, ..doc(2) },
        Doc { known: false, complete: false, ..doc(3) },
    ]);
    let people = |anonymous, incomplete| -> Vec<u32> {
        index.roots(&Filter { anonymous, incomplete, ..Filter::default() }).into_iter().collect()
    };
    assert_eq!(people(Anonymous::Hide, false), [1, 2]);
    assert_eq!(people(Anonymous::Include, false), [1, 2, 3]);
    assert_eq!(people(Anonymous::Only, false), [3]);
    assert_eq!(people(Anonymous::Hide, true), [2]);
    assert_eq!(people(Anonymous::Include, true), [2, 3]);
    assert_eq!(people(Anonymous::Only, true), [3]);
    assert_eq!(people(Anonymous::default(), false), [1, 2]);
}

#[test]
fn audiences_have_counts_of_members_who_are_there() {
    let of = |root, all: &[(&str, Class, bool)]| Doc {
        computed: all.iter().map(|(key, class, is_member)| computed(key, *class, *is_member)).collect(),
        ..doc(root)
    };
    let (audience, step, score) = (Class::Audience, Class::JourneyStep, Class::Computed);
    let big = ("big", audience, true);
    let index = Index::of([
        of(1, &[big, ("small\u{0}é", audience, true), ("score", score, true)]),
        of(2, &[big, ("was", audience, false), ("score", score, true), ("gone", score, false)]),
        of(3, &[big, ("was", audience, false)]),
        of(4, &[("big", step, true), ("big", score, true)]),
        doc(5),
    ]);
    let all = |index: &Index| -> Vec<(String, Class, u64)> {
        let all = index.search.audiences().unwrap();
        all.into_iter().map(|one| (one.key, one.class, one.members)).collect()
    };
    let row = |key: &str, class, members| (key.to_owned(), class, members);
    let first = [
        row("big", audience, 3),
        row("big", score, 1),
        row("big", step, 1),
        row("gone", score, 0),
        row("score", score, 2),
        row("small\u{0}é", audience, 1),
        row("was", audience, 0),
    ];
    assert_eq!(all(&index), first);
    let in_big = |key: &str| index.roots(&Filter { audience: Some(key.to_owned()), ..everybody() });
    assert_eq!(in_big("big"), BTreeSet::from([1, 2, 3, 4]));
    for none in ["bi", "was", "score"] {
        assert_eq!(in_big(none), BTreeSet::new(), "{none}");
    }
    index.search.put(doc(1));
    index.search.put(of(2, &[("was", audience, true)]));
    index.search.put(doc(4));
    index.search.commit(Sequence::new(3)).unwrap();
    assert_eq!(all(&index), [row("big", audience, 1), row("was", audience, 1)]);
}

#[test]
fn emails_and_phones_are_alike_in_any_spelling() {
    let reachable = |root, email: &str, phone: &str| Doc {
        email: Some(email.to_owned()),
        phone: Some(phone.to_owned()),
        ..doc(root)
    };
    let index = Index::of([
        reachable(1, " Ada@Example.com ", "+44 (20) 7946-0958"),
        reachable(2, "ada@example.COM", "+442079460958"),
        reachable(3, "ada@example.com.au", "442079460958"),
        reachable(4, "  ", "none"),
    ]);
    let email = |text| index.search.by_email(text).unwrap();
    let phone = |text| index.search.by_phone(text).unwrap();
    assert_eq!(email("ADA@example.com"), [NodeNo(1), NodeNo(2)]);
    assert_eq!(email("ada@example.co"), []);
    assert_eq!(email(" "), []);
    assert_eq!(phone(" +44 20 7946 0958"), [NodeNo(1), NodeNo(2)]);
    assert_eq!(phone("44-2079460958"), [NodeNo(3)]);
    assert_eq!(phone("none"), []);
    assert_eq!(phone(""), []);
}

#[test]
fn one_process_writes() {
    let index = Index::of([named(1, "Ada")]);
    let second = Search::open(&index.folder.path().join("search"), 0);
    assert!(matches!(second, Err(SearchError::Index(TantivyError::LockFailure(..)))));
    assert_eq!(index.with_text("ada"), [1]); // and the refused one has thrown nothing away
    let (index, through) = index.reopened();
    assert_eq!(through, Some(Sequence::new(2)));
    assert_eq!(index.with_text("ada"), [1]);
}
