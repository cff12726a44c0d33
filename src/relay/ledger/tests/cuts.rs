//! A kill at every put: what is left is a beginning of what was entered, at least to the last sync, and it agrees in itself.

use super::super::atom::Atom;
use super::faulty::Faulty;
use super::model::{Model, Traffic, atoms_of};
use super::*;

const STARTS: [u64; 2] = [1, 4_090];

/// What was entered into one book, and how much of it was surely durable.
struct Told {
    atoms: Vec<Atom>,
    durable: usize,
}

impl Told {
    /// The beginning of what was told that the book agrees with.
    fn agrees(&self, number: usize, book: &Book) -> usize {
        let mut model = Model::new(STARTS[number]);
        let mut differences = Vec::new();
        for length in 0..=self.atoms.len() {
            if length >= self.durable {
                match model.difference(book) {
                    None => return length,
                    Some(difference) => differences.push(difference),
                }
            }
            self.atoms.get(length).into_iter().for_each(|atom| model.apply(atom));
        }
        panic!("book {number} is no beginning from {} to {}: {differences:#?}", self.durable, self.atoms.len());
    }
}

/// Enters at random, closes and reopens, until the engine stops; returns what was told.
fn run(dir: &Path, engine: &Arc<dyn Engine>, chance: &mut Chance) -> Vec<Told> {
    let mut told: Vec<Told> = STARTS.map(|_| Told { atoms: Vec::new(), durable: 0 }).into();
    let mut models = STARTS.map(|start| (Model::new(start), Traffic::new(start)));
    for _ in 0..2 {
        let Ok(ledger) = open(dir, engine) else { return told };
        for _ in 0..3 {
            for (number, (model, traffic)) in models.iter_mut().enumerate() {
                let Ok(book) = ledger.book(&format!("to {number}"), &|| Sequence::new(STARTS[number])) else {
                    ledger.halt();
                    return told;
                };
                for _ in 0..chance.below(3) {
                    let entry = traffic.entry(STARTS[number], chance);
                    // Now and then the journal turns out to be shorter.
                    let forgotten = Atom::Forget(traffic.place(STARTS[number], chance).max(STARTS[number]));
                    let forgotten = Some(forgotten).filter(|_| chance.is_one_in(4));
                    for atom in atoms_of(model, &entry).into_iter().chain(forgotten) {
                        model.apply(&atom);
                        if book.enter_atom(&atom).is_err() {
                            ledger.halt();
                            return told;
                        }
                        told[number].atoms.push(atom);
                    }
                }
                if book.sync().is_err() {
                    ledger.halt();
                    return told;
                }
                for told in &mut told {
                    told.durable = told.atoms.len();
                }
            }
        }
        ledger.close();
    }
    told
}

fn cut(at: u64, seed: u64, power: bool) -> bool {
    let faulty = Faulty::default();
    let folder = tempfile::tempdir().unwrap();
    faulty.stop_after(at);
    let told = run(folder.path(), &faulty.engine(), &mut Chance(seed));
    let reached = faulty.puts() > at;
    faulty.heal();
    if power {
        faulty.memory.cut_power();
    }
    let again = || {
        let ledger = open(folder.path(), &faulty.engine()).unwrap_or_else(|error| panic!("cut at {at}: {error}"));
        let agreed: Vec<usize> = (0..STARTS.len())
            .map(|number| told[number].agrees(number, &book(&ledger, &format!("to {number}"), STARTS[number])))
            .collect();
        ledger.halt();
        agreed
    };
    // The second time from what the first one wrote.
    assert_eq!(again(), again(), "cut at {at}");
    reached
}

#[test]
fn counts_and_table_agree_wherever_a_cut_falls() {
    let seed = Chance::new("cuts").0;
    for power in [false, true] {
        let cuts = (0..10_000).take_while(|at| cut(*at, seed, power)).count();
        println!("{cuts} cuts");
        assert!(cuts > 30, "{cuts}");
    }
}

/// A kill while the log of a kill before is replayed.
#[test]
fn a_cut_while_opening_loses_nothing() {
    let seed = Chance::new("cuts while opening").0;
    for first in [9, 17, 29] {
        for second in 0..20 {
            let faulty = Faulty::default();
            let folder = tempfile::tempdir().unwrap();
            faulty.stop_after(first);
            let told = run(folder.path(), &faulty.engine(), &mut Chance(seed));
            faulty.heal();
            faulty.stop_after(second);
            if let Ok(ledger) = open(folder.path(), &faulty.engine()) {
                ledger.halt();
            }
            faulty.heal();
            let ledger = open(folder.path(), &faulty.engine()).unwrap();
            for (number, told) in told.iter().enumerate() {
                told.agrees(number, &book(&ledger, &format!("to {number}"), STARTS[number]));
            }
        }
    }
}

/// Whichever sync fails: nothing is written from then on, and what was synced before is there after a power cut.
#[test]
fn whichever_sync_fails_nothing_more_is_written_and_what_was_synced_stays() {
    for failing in 1..25 {
        let faulty = Faulty::default();
        let folder = tempfile::tempdir().unwrap();
        faulty.memory.fail_sync(failing);
        let mut synced = 0;
        if let Ok(ledger) = open(folder.path(), &faulty.engine())
            && let Ok(book) = ledger.book("to", &|| Sequence::FIRST)
        {
            for number in 1..40 {
                book.enter(delivered([number]));
                let failed = book.failed();
                match book.sync() {
                    Ok(()) => {
                        assert_eq!(failed, None, "sync {failing}: written after a failure");
                        synced = number;
                    }
                    Err(error) => {
                        assert!(matches!(error, StoreError::Failed(_)) && book.failed().is_some() && !book.writable());
                        assert!(book.counts(Sequence::new(50)).delivered >= synced, "it can still be read");
                    }
                }
            }
            ledger.close();
        }
        faulty.memory.cut_power();
        let ledger = open(folder.path(), &faulty.engine()).unwrap();
        let delivered = book(&ledger, "to", 1).counts(Sequence::new(50)).delivered;
        assert!(delivered >= synced, "sync {failing}: {synced} were synced, {delivered} are there");
        assert_eq!(book(&ledger, "to", 1).recount(Sequence::new(50)).unwrap().delivered, delivered);
    }
}
