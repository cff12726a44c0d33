//! The end of the journal is pulled back: by a power cut under `durability = "written"`, or because it is from a backup.
//! Its sequences are then given to other records.

use std::sync::Arc;

use super::calls;
use super::world::{World, counts, destination, status};
use crate::journal::memory::MemoryJournal;
use crate::relay::Selection;
use crate::relay::ledger::{Counts, State};
use crate::relay::settings::{Destination, Format, From};

fn append(world: &World, name: &str, count: usize) {
    let names: Vec<String> = (0..count).map(|number| format!("{name}-{number}")).collect();
    world.append(&names.iter().map(|name| calls::track(Some(name), None, name)).collect::<Vec<_>>());
}

/// From now on the journal has only so many records, as if there had never been more.
fn pull_back(world: &mut World, count: usize) {
    world.journal = Arc::new(MemoryJournal::default());
    world.reader = world.journal.clone();
    append(world, "old", count);
}

#[test]
fn what_was_known_of_lost_records_says_nothing_about_the_new_ones() {
    let late = Destination { from: From::Now, ..destination("late", Format::Segment) };
    let mut world = World::new(vec![destination("a", Format::Partner), late]);
    append(&world, "old", 100);
    world.receiver("a").answers(|ids| status(if ids[0].ends_with('5') { 400 } else { 200 }));
    let relay = world.start();
    relay.settle();
    assert_eq!(counts(&relay, "a"), Counts { delivered: 90, dead: 10, ..Counts::default() });
    assert_eq!(counts(&relay, "late"), Counts { filtered: 100, ..Counts::default() });
    // Paused, or it would try them again at once, in vain, and be done with the order.
    relay.pause("a").unwrap();
    relay.redeliver("a", &Selection::Dead).unwrap();
    relay.close();

    pull_back(&mut world, 30);
    let relay = world.open();
    assert_eq!(counts(&relay, "a"), Counts { delivered: 27, dead: 3, ..Counts::default() });
    assert_eq!(counts(&relay, "late"), Counts { filtered: 30, ..Counts::default() });
    // What was forgotten is forgotten for good, before the journal takes anything new.
    relay.crash();
    drop(relay);
    world.engine.cut_power();
    append(&world, "new", 50);
    world.receiver("a").answers(|_| status(200));
    let relay = world.start();
    relay.resume("a").unwrap();
    relay.settle();
    assert_eq!(counts(&relay, "a"), Counts { delivered: 80, ..Counts::default() });
    assert_eq!(counts(&relay, "late"), Counts { filtered: 30, delivered: 50, ..Counts::default() });
    assert_eq!(relay.deliveries("a", State::Dead, None, 10).unwrap().len(), 0);
    for name in ["a", "late"] {
        let accepted = world.receiver(name).set();
        assert_eq!(accepted.iter().filter(|id| id.starts_with("new-")).count(), 50, "{name}");
    }
    relay.close();
    let relay = world.start();
    relay.settle();
    assert_eq!(counts(&relay, "late"), Counts { filtered: 30, delivered: 50, ..Counts::default() });
    relay.close();
}
