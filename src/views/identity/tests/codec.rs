//! Changes as bytes: what is written is read, what is cut or foreign is refused, and old bytes never change.

use proptest::prelude::*;

use super::super::*;
use crate::journal::Sequence;

fn sequences() -> impl Strategy<Value = Sequence> {
    prop_oneof![1..200_u64, any::<u64>()].prop_map(Sequence::new)
}

fn nodes() -> impl Strategy<Value = NodeNo> {
    prop_oneof![0..300_u32, any::<u32>()].prop_map(NodeNo)
}

fn keys() -> impl Strategy<Value = NodeKey> {
    any::<[u8; 16]>().prop_map(NodeKey)
}

fn changes() -> impl Strategy<Value = Change> {
    let kinds = prop_oneof![Just(IdKind::User), Just(IdKind::Anonymous)];
    let rules = prop::sample::select(vec![Rule::R2, Rule::R4b, Rule::R4c, Rule::R4e, Rule::Operator]);
    let codes = prop::sample::select(vec![
        RefusalCode::SharedDevice,
        RefusalCode::AliasAnonClaimed,
        RefusalCode::AliasBlockedId,
        RefusalCode::BlockedId,
        RefusalCode::AliasUserNotAllowed,
        RefusalCode::TooManyIds,
    ]);
    prop_oneof![
        (kinds, keys(), sequences()).prop_map(|(kind, key, sequence)| Change::Node { kind, key, sequence }),
        (nodes(), nodes(), rules, sequences(), sequences(), prop::option::of(sequences())).prop_map(
            |(from, to, rule, sequence, made_by, undone_by)| Change::Linked(Link {
                from,
                to,
                rule,
                sequence,
                made_by,
                undone_by
            })
        ),
        (sequences(), sequences()).prop_map(|(sequence, by)| Change::Unlinked { sequence, by }),
        (prop::option::of(nodes()), nodes(), codes, sequences())
            .prop_map(|(from, to, code, sequence)| Change::Refused(Refusal { from, to, code, sequence })),
        (any::<bool>(), keys(), keys(), nodes(), sequences()).prop_map(|(for_users, user, anonymous, to, sequence)| {
            Change::Reserved { for_users, user, anonymous, to, sequence }
        }),
        (sequences(), sequences()).prop_map(|(sequence, by)| Change::Released { sequence, by }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changes_are_read_back_and_cut_ones_are_not(change in changes()) {
        let mut bytes = Vec::new();
        change.encode(&mut bytes);
        for end in 0..bytes.len() {
            let mut cut = &bytes[..end];
            prop_assert_eq!(Change::decode(&mut cut), None);
            prop_assert_eq!(cut.len(), end);
        }
        bytes.push(7);
        let mut rest = bytes.as_slice();
        prop_assert_eq!(Change::decode(&mut rest), Some(change));
        prop_assert_eq!(rest, [7]);
    }

    #[test]
    fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), list in prop::collection::vec(changes(), 0..20)) {
        let mut rest = bytes.as_slice();
        let mut graph = Graph::default();
        while let Some(change) = Change::decode(&mut rest) {
            graph.replay(&change);
        }
        for change in &list {
            graph.replay(change);
        }
        let mut dump = Vec::new();
        graph.dump(&mut dump);
    }
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    let long = [&[3_u8][..], &[0xff; 10], &[1]].concat();
    let much = [&[3_u8][..], &[0xff; 9], &[2, 1]].concat();
    let zero = [3, 0, 1];
    let kind = [&[1, 2][..], &[0; 16], &[1]].concat();
    for bytes in [&long[..], &much, &zero, &kind, &[2, 9, 1, 1, 1, 1, 1], &[4, 0, 1, 1, 1], &[9], &[]] {
        assert_eq!(Change::decode(&mut &*bytes), None, "{bytes:?}");
    }
}

#[test]
fn the_bytes_of_version_1_stay_as_they_are() {
    let key = NodeKey([0xab; 16]);
    let link = Link {
        from: NodeNo(300),
        to: NodeNo(1),
        rule: Rule::R4e,
        sequence: Sequence::new(5),
        made_by: Sequence::new(9),
        undone_by: None,
    };
    let refusal = Refusal { from: None, to: NodeNo(2), code: RefusalCode::SharedDevice, sequence: Sequence::new(128) };
    let golden: [(Change, &[u8]); 4] = [
        (Change::Linked(link), &[2, 4, 0xac, 2, 1, 5, 4, 0]),
        (Change::Refused(refusal), &[4, 1, 0, 2, 0x80, 1]),
        (Change::Unlinked { sequence: Sequence::new(1), by: Sequence::new(2) }, &[3, 1, 2]),
        (Change::Released { sequence: Sequence::new(1), by: Sequence::new(2) }, &[6, 1, 2]),
    ];
    for (change, expected) in golden {
        let mut bytes = Vec::new();
        change.encode(&mut bytes);
        assert_eq!(bytes, expected);
    }
    let mut bytes = Vec::new();
    Change::Node { kind: IdKind::Anonymous, key, sequence: Sequence::new(1) }.encode(&mut bytes);
    assert_eq!(bytes, [&[1, 1][..], &[0xab; 16], &[1]].concat());
}
