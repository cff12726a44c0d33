//! People in the order of names and emails, page by page.

use super::*;

/// All pages of a sorted list.
fn pages(index: &Index, filter: &Filter, by: SortBy, descending: bool, limit: usize) -> Vec<(u32, Option<String>)> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = index.search.sorted(filter, by, descending, after.take(), limit).unwrap();
        assert!(page.len() <= limit);
        let Some((root, name)) = page.last().cloned() else {
            return all;
        };
        after = Some((name, root));
        all.extend(page.into_iter().map(|(root, name)| (root.0, name)));
    }
}

fn expected(names: &[(u32, Option<String>)], descending: bool) -> Vec<(u32, Option<String>)> {
    let mut all = names.to_vec();
    all.sort_by(|(left_root, left), (right_root, right)| {
        let order = left.cmp(right);
        let order = if descending { order.reverse() } else { order };
        (left.is_none().cmp(&right.is_none())).then(order).then(left_root.cmp(right_root))
    });
    all
}

#[test]
fn pages_join_to_the_whole_order_over_segments() {
    let index = Index::new();
    let mut names = Vec::new();
    for root in 0..700u32 {
        let mixed = root.wrapping_mul(2_654_435_761) >> 20;
        let name = (root % 7 != 0).then(|| format!("Name {}", mixed % 97));
        names.push((root, name.as_ref().map(|name| name.to_lowercase())));
        index.search.put(Doc { name, ..doc(root) });
        if root % 150 == 0 {
            index.search.commit(Sequence::new(root.into())).unwrap();
        }
    }
    index.search.commit(Sequence::new(900)).unwrap();
    for descending in [false, true] {
        for limit in [1, 7, 300, 10_000] {
            let all = pages(&index, &everybody(), SortBy::Name, descending, limit);
            assert_eq!(all, expected(&names, descending), "descending {descending}, limit {limit}");
        }
    }
    assert_eq!(index.search.sorted(&everybody(), SortBy::Name, false, None, 0).unwrap(), []);
}

#[test]
fn a_page_begins_after_a_name_that_is_no_longer_there() {
    let index = Index::of([named(1, "b"), named(2, "d"), named(3, "f"), doc(4), doc(5)]);
    let page = |name: Option<&str>, root, descending| -> Vec<u32> {
        let after = Some((name.map(str::to_owned), NodeNo(root)));
        let page = index.search.sorted(&everybody(), SortBy::Name, descending, after, 10).unwrap();
        page.into_iter().map(|(root, _)| root.0).collect()
    };
    assert_eq!(page(Some("a"), 9, false), [1, 2, 3, 4, 5]);
    assert_eq!(page(Some("c"), 9, false), [2, 3, 4, 5]);
    assert_eq!(page(Some("d"), 1, false), [2, 3, 4, 5]);
    assert_eq!(page(Some("d"), 2, false), [3, 4, 5]);
    assert_eq!(page(Some("z"), 0, false), [4, 5]);
    assert_eq!(page(None, 4, false), [5]);
    assert_eq!(page(Some("z"), 0, true), [3, 2, 1, 4, 5]);
    assert_eq!(page(Some("e"), 9, true), [2, 1, 4, 5]);
    assert_eq!(page(Some("d"), 2, true), [1, 4, 5]);
    assert_eq!(page(Some("a"), 0, true), [4, 5]);
    assert_eq!(page(None, 5, true), NOBODY);
    let nameless = Index::of([doc(1), doc(2)]);
    let after = Some((Some("a".to_owned()), NodeNo(7)));
    let page = nameless.search.sorted(&everybody(), SortBy::Name, true, after, 10).unwrap();
    assert_eq!(page, [(NodeNo(1), None), (NodeNo(2), None)]);
}

#[test]
fn names_sort_without_case_and_emails_have_an_order_of_their_own() {
    let person =
        |root, name: &str, email: &str| Doc { name: Some(name.to_owned()), email: Some(email.to_owned()), ..doc(root) };
    let index = Index::of([
        person(1, "bea", "Z@x"),
        person(2, " Ada ", "y@x"),
        person(3, "ÇELIK", ""),
        person(4, &"Long".repeat(1_000), "a@x"),
    ]);
    let roots = |by| -> Vec<u32> {
        let page = index.search.sorted(&everybody(), by, false, None, 10).unwrap();
        assert!(page.iter().flat_map(|(_, name)| name).all(|name| name.len() <= 256));
        page.into_iter().map(|(root, _)| root.0).collect()
    };
    assert_eq!(roots(SortBy::Name), [2, 1, 4, 3]);
    assert_eq!(roots(SortBy::Email), [4, 2, 1, 3]);
    let filter = Filter { text: Some("@x".to_owned()), ..everybody() };
    let page = index.search.sorted(&filter, SortBy::Email, true, None, 2).unwrap();
    assert_eq!(page, [(NodeNo(1), Some("z@x".to_owned())), (NodeNo(2), Some("y@x".to_owned()))]);
}
