//! Searching for text.

use super::*;

fn people() -> Index {
    Index::of([
        Doc {
            name: Some("Ada Lovelace".to_owned()),
            email: Some("Ada.L@Example.com".to_owned()),
            phone: Some("+44 20 7946".to_owned()),
            ids: vec!["user_1".to_owned(), "5f2c-AB".to_owned()],
            ..doc(1)
        },
        Doc { name: Some("Ødegård Ångström".to_owned()), ids: vec!["usr 2".to_owned()], ..doc(2) },
        Doc { name: Some("山田 太郎".to_owned()), ids: vec!["user_3".to_owned()], ..doc(3) },
        Doc { name: Some("ΟΔΥΣΣΕΥΣ".to_owned()), ids: vec!["👩‍👩‍👧".to_owned()], ..doc(4) },
        Doc { ids: vec![String::new(), "a\u{0}b\"c\\".to_owned()], ..doc(5) },
        doc(6),
    ])
}

#[test]
fn any_part_of_a_name_email_phone_or_id_is_found() {
    let index = people();
    for (text, found) in [
        ("ada", &[1][..]),
        ("LOVE", &[1]),
        ("ovelac", &[1]),
        ("ada.l@example.com", &[1]),
        ("7946", &[1]),
        ("2c-ab", &[1]),
        ("user_", &[1, 3]),
        ("ødegå", &[2]),
        ("ÅNG", &[2]),
        ("山", &[3]),
        ("田", &[3]),
        ("太郎", &[3]),
        ("οδυσ", &[4]),
        ("Σ", &[4]),
        ("σευς", &[4]),
        ("👩", &[4]),
        ("\u{0}B", &[5]),
        ("c\\", &[5]),
        ("u", &[1, 2, 3]),
        ("l", &[1]),
        ("lo", &[1]),
        ("xyz", &[]),
        ("lovelace ada", &[1]),
    ] {
        assert_eq!(index.with_text(text), found, "{text:?}");
    }
}

#[test]
fn all_words_have_to_be_there() {
    let index = people();
    assert_eq!(index.with_text("lace ada 7946"), [1]);
    assert_eq!(index.with_text("ada ødegård"), NOBODY);
    assert_eq!(index.with_text("  usr \t 2 "), [2]);
    for nothing in ["", "  ", "\u{3000}"] {
        assert_eq!(index.with_text(nothing).len(), 6, "{nothing:?}");
    }
}

#[test]
fn a_hit_does_not_run_over_two_values() {
    let index = people();
    assert_eq!(index.with_text("user_15f2c"), NOBODY);
    assert_eq!(index.with_text("lovelaceada"), NOBODY);
    assert_eq!(index.with_text("郎user"), NOBODY);
}

#[test]
fn repeated_letters_are_not_found_in_fewer_of_them() {
    let index = Index::of([named(1, "aaa"), named(2, "aaaaa"), named(3, "abcabd")]);
    assert_eq!(index.with_text("aaaa"), [2]);
    assert_eq!(index.with_text("abcabc"), NOBODY);
}

#[test]
fn a_search_has_a_limit_of_words() {
    let index = people();
    let text = |count: usize| (0..count).map(|number| format!("w{number}")).collect::<Vec<_>>().join(" ");
    let filter = |count| Filter { text: Some(text(count)), ..everybody() };
    assert!(index.search.roots(&filter(question::WORDS_MAX)).unwrap().is_empty());
    let refused = index.search.roots(&filter(question::WORDS_MAX + 1)).unwrap_err();
    assert_eq!(refused.to_string(), "a search takes at most 16 words; leave some out");
}

#[test]
fn text_goes_with_other_filters() {
    // So many that both ways of searching are taken: going through everything, and looking at the few.
    let index = Index::of((0..2_000).map(|root| Doc {
        name: Some(format!("name {root}")),
        computed: vec![computed(if root % 100 == 0 { "few" } else { "many" }, Class::Audience, true)],
        known: root % 2 == 0,
        ..doc(root)
    }));
    for (audience, text) in [("few", "0"), ("many", "1"), ("many", "99"), ("few", "5"), ("many", "name 77")] {
        for anonymous in [Anonymous::Hide, Anonymous::Include, Anonymous::Only] {
            let expected: BTreeSet<u32> = (0..2_000)
                .filter(|root| (root % 100 == 0) == (audience == "few"))
                .filter(|root| anonymous == Anonymous::Include || (root % 2 == 0) == (anonymous == Anonymous::Hide))
                .filter(|root| text.split(' ').all(|word| format!("name {root}").contains(word)))
                .collect();
            let filter = Filter {
                text: Some(text.to_owned()),
                audience: Some(audience.to_owned()),
                anonymous,
                ..Filter::default()
            };
            assert_eq!(index.roots(&filter), expected, "{filter:?}");
        }
    }
}
