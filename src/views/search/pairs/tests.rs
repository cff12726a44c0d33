//! Bits against what texts really hold.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use tantivy::DocSet;
use tantivy::directory::{Directory, DirectoryClone, OwnedBytes, RamDirectory};

use super::*;

/// The texts of people, each a list of values, and their bits.
fn written(people: &[Vec<String>]) -> (Vec<Vec<u8>>, Pairs) {
    let directory = RamDirectory::create();
    let mut writer = Writer::new(directory.open_write(Path::new("pairs")).unwrap());
    let texts: Vec<Vec<u8>> = people
        .iter()
        .map(|values| values.iter().flat_map(|value| [value.as_bytes(), &[VALUE_END]].concat()).collect())
        .collect();
    for text in &texts {
        writer.push(text).unwrap();
    }
    writer.close().unwrap();
    let file = directory.box_clone().open_read(Path::new("pairs")).unwrap().read_bytes().unwrap();
    (texts, Pairs::of(file, u32::try_from(people.len()).unwrap()).unwrap())
}

fn found(pairs: &Pairs, word: &str) -> BTreeSet<usize> {
    let rows: Vec<_> = rows(word.as_bytes()).collect();
    let mut docs = pairs.having(&rows).docs();
    std::iter::from_fn(|| {
        let doc = docs.doc();
        docs.advance();
        (doc != tantivy::TERMINATED).then_some(doc as usize)
    })
    .collect()
}

fn judge(texts: &[Vec<u8>], pairs: &Pairs, word: &str) {
    let holds = |text: &[u8]| memchr::memmem::find(text, word.as_bytes()).is_some();
    let really: BTreeSet<usize> = (0..texts.len()).filter(|at| holds(&texts[*at])).collect();
    let found = found(pairs, word);
    assert!(found.is_superset(&really), "{word:?}: {found:?} lacks some of {really:?}");
    if decide(word.as_bytes()) {
        assert_eq!(found, really, "{word:?}");
    }
}

proptest! {
    #[test]
    fn nobody_is_missed_and_short_words_are_decided(
        people in proptest::collection::vec(proptest::collection::vec("[ab9@|é(ж山 ]{0,5}", 0..4), 1..150),
        words in proptest::collection::vec("[ab9@|é(ж山]{1,4}", 1..20),
    ) {
        let (texts, pairs) = written(&people);
        for word in &words {
            judge(&texts, &pairs, word);
        }
    }
}

#[test]
fn all_blocks_and_all_forms_of_rows_are_read() {
    // Rows with everybody, with half, with few and with nobody, over whole blocks and a part of one.
    for count in [1, 63, 64, 65, PEOPLE - 1, PEOPLE, PEOPLE + 1, 2 * PEOPLE + 100] {
        let people: Vec<_> = (0..count)
            .map(|number| {
                let half = if number % 2 == 0 { "even" } else { "odd" };
                vec![format!("user{number}"), half.to_owned(), if number == count - 1 { "zz" } else { "" }.to_owned()]
            })
            .collect();
        let (texts, pairs) = written(&people);
        for word in ["u", "us", "user", "ev", "od", "d", "n", "9", "99", "409", "r40", "zz", "z", "q", "qq", "(", "é"]
        {
            judge(&texts, &pairs, word);
        }
    }
}

#[test]
fn every_byte_of_its_own_is_decided() {
    let letters = OWN.iter().map(|byte| char::from(*byte));
    let people = letters.map(|letter| vec![letter.to_string(), format!("{letter}é")]);
    let (texts, pairs) = written(&people.collect::<Vec<_>>());
    for byte in OWN {
        let letter = char::from(*byte).to_string();
        assert!(decide(letter.as_bytes()));
        assert_eq!(found(&pairs, &letter).len(), 1, "{letter}");
        judge(&texts, &pairs, &letter);
    }
}

#[test]
fn a_file_of_another_length_is_refused() {
    let (_, pairs) = written(&vec![vec!["ada".to_owned()]; 70]);
    let bytes = pairs.bytes().to_vec();
    let of = |bytes: &[u8], people| Pairs::of(OwnedBytes::new(bytes.to_vec()), people).is_some();
    assert!(of(&bytes, 70));
    assert!(!of(&bytes[..bytes.len() - 1], 70));
    assert!(!of(&[&bytes[..], &[0]].concat(), 70));
    assert!(!of(&[], 70));
    assert!(!of(&bytes, 0));
    assert!(!of(&bytes, u32::try_from(PEOPLE + 1).unwrap()));
    assert!(!of(&vec![0xff; bytes.len()], 70));
}
