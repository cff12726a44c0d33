//! Random puts, removals, commits and reopenings against a plain map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Action {
    Put(u32, Vec<String>, Option<i32>),
    Remove(u32),
    Commit,
    Reopen,
    Clear,
}

fn action() -> impl Strategy<Value = Action> {
    let ids = proptest::collection::vec("[abÄß]{0,5}", 0..3);
    prop_oneof![
        12 => (0u32..20, ids, proptest::option::of(-3i32..4)).prop_map(|(root, ids, trait_)| Action::Put(root, ids, trait_)),
        4 => (0u32..20).prop_map(Action::Remove),
        4 => Just(Action::Commit),
        1 => Just(Action::Reopen),
        1 => Just(Action::Clear),
    ]
}

/// Ids, and the value of one trait.
type Person = (Vec<String>, Option<i32>);
type Model = BTreeMap<u32, Person>;

fn compare(index: &Index, model: &Model) {
    let matching = |test: &dyn Fn(&Person) -> bool| -> Vec<u32> {
        model.iter().filter(|(_, person)| test(person)).map(|(root, _)| *root).collect()
    };
    for text in ["a", "ab", "äa", "bab", "SS", "ß", "aa b"] {
        let found = matching(&|(ids, _)| {
            let has = |word: &str| ids.iter().any(|id| texts::fold(id).contains(word));
            texts::fold(text).split(' ').all(has)
        });
        assert_eq!(index.with_text(text), found, "{text}");
    }
    for than in -4..5 {
        let text = than.to_string();
        let value = |(_, value): &Person| *value;
        let greater = index.with_trait("n", Test::Greater(text.clone()));
        assert_eq!(greater, matching(&|person| value(person).is_some_and(|value| value > than)));
        let less = index.with_trait("n", Test::Less(text.clone()));
        assert_eq!(less, matching(&|person| value(person).is_some_and(|value| value < than)));
        assert_eq!(index.with_trait("n", Test::Equals(text)), matching(&|person| value(person) == Some(than)));
    }
    assert_eq!(index.with_trait("n", Test::Exists(false)), matching(&|(_, value)| value.is_none()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_index_is_the_model_of_the_last_commit(actions in proptest::collection::vec(action(), 1..60)) {
        let mut index = Index::new();
        let (mut pending, mut committed, mut sequence) = (Model::new(), Model::new(), 1);
        for action in actions {
            match action {
                Action::Put(root, ids, value) => {
                    let traits = value.map(|value| ("n".to_owned(), value.to_string())).into_iter().collect();
                    index.search.put(Doc { ids: ids.clone(), traits, ..doc(root) });
                    pending.insert(root, (ids, value));
                }
                Action::Remove(root) => {
                    index.search.remove(NodeNo(root));
                    pending.remove(&root);
                }
                Action::Commit => {
                    sequence += 1;
                    index.search.commit(Sequence::new(sequence)).unwrap();
                    committed = pending.clone();
                    compare(&index, &committed);
                }
                Action::Reopen => {
                    let through;
                    (index, through) = index.reopened();
                    prop_assert_eq!(through, (sequence > 1).then(|| Sequence::new(sequence)));
                    pending = committed.clone();
                    compare(&index, &committed);
                }
                Action::Clear => {
                    index.search.clear().unwrap();
                    (pending, committed, sequence) = (Model::new(), Model::new(), 1);
                    compare(&index, &committed);
                }
            }
        }
        compare(&index, &committed);
    }
}
