//! What an operator has to understand one day: a shared tablet, people who are there twice, old ids, bad calls.

use serde_json::{Value, json};

use super::cast::{Cast, shopper};
use super::chance::Chance;
use super::rhythm::{DAY_MS, HOUR_MS, Place, some_time};
use super::scene::library;
use super::sent::{Sent, Source, later};
use super::words::CITIES;
use crate::call::time::Time;

/// What the operator orders at the end of the week: who becomes part of whom, and whether it is taken back.
pub const MERGES: [(&str, &str, bool); 2] = [("twin_1b", "twin_1a", false), ("twin_2b", "twin_2a", true)];

/// Tells all of them.
pub(super) fn tell(chance: &mut Chance, cast: &mut Cast, now: Time, out: &mut Vec<Sent>) {
    tablet(chance, now, out);
    twins(chance, now, out);
    old_ids(chance, cast, now, out);
    moves(chance, cast, now, out);
    kept_out(chance, now, out);
}

fn server(at: Time, kind: &str, user_id: &str, chance: &mut Chance) -> Sent {
    let context = Value::Object(library(Source::ShopServer));
    Sent::new(at, Source::ShopServer, kind, chance).with("userId", user_id).with("context", context)
}

/// Two of a family log in on one tablet: the second login is refused the device.
fn tablet(chance: &mut Chance, now: Time, out: &mut Vec<Sent>) {
    let anonymous_id = chance.id();
    let began = later(now, -4 * DAY_MS);
    let family = [("fam_juno", "Juno Slipware-Tray", 0), ("fam_basil", "Basil Slipware-Tray", 5)];
    for (user_id, name, hours) in family {
        let at = later(began, hours * HOUR_MS);
        let context = Value::Object(library(Source::ShopWeb));
        let mut say = |kind: &str, offset: i64| {
            let sent = Sent::new(later(at, offset), Source::ShopWeb, kind, chance).with("userId", user_id);
            sent.with("anonymousId", anonymous_id.clone()).with("context", context.clone())
        };
        let email = format!("{}@mail.example", user_id.replace('_', "."));
        out.push(say("page", 0).with("name", "Home"));
        out.push(say("identify", 9_000).with("traits", json!({"name": name, "email": email})));
        let viewed = json!({"product_id": "cup-002", "name": "Tide Bowl", "price": 22.0});
        out.push(say("track", 30_000).with("event", "Product Viewed").with("properties", viewed));
    }
}

/// Three pairs who are each one human with two accounts; the operator deals with the first two.
fn twins(chance: &mut Chance, now: Time, out: &mut Vec<Sent>) {
    let names = ["Tilda Brewhart-Lid", "Otis Infusov-Spout", "Wanda Clayborough-Rim"];
    for (number, name) in (1..).zip(names) {
        let email = format!("twin{number}@example.com");
        for (letter, days) in [("a", 6), ("b", 3)] {
            let at = later(now, -days * DAY_MS + HOUR_MS * i64::from(chance.between(1, 20)));
            let user_id = format!("twin_{number}{letter}");
            let traits = json!({"name": name, "email": email, "newsletter": letter == "a"});
            out.push(server(at, "identify", &user_id, chance).with("traits", traits));
            let about = json!({"type": "shop", "email": email});
            out.push(
                server(later(at, 400), "track", &user_id, chance).with("event", "Signed Up").with("properties", about),
            );
        }
    }
}

/// Customers of an older shop system: first under their old ids, then an alias tells that both are one.
fn old_ids(chance: &mut Chance, cast: &Cast, now: Time, out: &mut Vec<Sent>) {
    let began = later(now, -DAY_MS);
    let settled = cast.people.iter().filter(|person| person.work.is_none() && person.joins < later(now, -7 * DAY_MS));
    for (number, person) in settled.take(12).enumerate() {
        let Some(user_id) = &person.user_id else { continue };
        let old = format!("legacy-{}", 70 + number);
        let at = some_time(chance, began, 5, Place::Shop);
        out.push(
            server(at, "identify", &old, chance)
                .with("traits", json!({"loyalty_card": format!("L{}", 4_000 + number)})),
        );
        let moved = later(began, i64::from(chance.between(0, 3_600_000)));
        out.push(server(moved, "alias", user_id, chance).with("previousId", old));
    }
    // Told before anybody saw it: the id is kept for its owner.
    out.push(server(began, "alias", "fam_juno", chance).with("previousId", "legacy-99"));
}

/// Some customers move to another city.
fn moves(chance: &mut Chance, cast: &mut Cast, now: Time, out: &mut Vec<Sent>) {
    for person in
        cast.people.iter_mut().filter(|person| person.work.is_none() && person.joins < later(now, -7 * DAY_MS))
    {
        let Some(user_id) = person.user_id.clone().filter(|_| chance.percent(9)) else { continue };
        let at = some_time(chance, now, 5, Place::Shop);
        person.moves = Some((at, (person.city + 1 + chance.place(CITIES.len() - 1)) % CITIES.len()));
        let (city, country, ..) = person.home(at);
        let traits = json!({"address": {"city": city, "country": country}});
        out.push(server(at, "identify", &user_id, chance).with("traits", traits));
    }
}

/// Calls that their sender keeps out of the views, and one whose sender has lost the id.
fn kept_out(chance: &mut Chance, now: Time, out: &mut Vec<Sent>) {
    for _ in 0..20 {
        let at = some_time(chance, now, 7, Place::Desk);
        let sent = server(at, "track", "cus_1000", chance).with("event", "Ledger Checked");
        out.push(sent.with("integrations", json!({"All": false, "Ledger": true})));
    }
    let visitor = shopper(chance, None, now);
    let anonymous_id = visitor.devices.first().map(|device| device.anonymous_id.clone()).unwrap_or_default();
    let lost = Sent::new(later(now, -DAY_MS), Source::ShopAndroid, "identify", chance).with("userId", "null");
    let context = Value::Object(library(Source::ShopAndroid));
    out.push(lost.with("anonymousId", anonymous_id).with("traits", json!({})).with("context", context));
}

/// Calls that ingest refuses, each for a reason of its own. `number` chooses the reason.
pub(super) fn refused(at: Time, number: usize, chance: &mut Chance) -> Sent {
    let web = |kind: &str, chance: &mut Chance| Sent::new(at, Source::ShopWeb, kind, chance);
    let visitor = chance.id();
    match number % 6 {
        0 => web("track", chance).with("anonymousId", visitor).with("properties", json!({"sku": "tea-001"})),
        1 => web("track", chance).with("event", "Product Viewed").with("properties", json!({"sku": "tea-002"})),
        2 => web("identify", chance).with("anonymousId", visitor).with("traits", "plan=pro"),
        3 => Sent::new(at, Source::DeskServer, "group", chance).with("userId", "usr_2000").with("traits", json!({})),
        4 => Sent::new(at, Source::ShopServer, "alias", chance).with("userId", "cus_1001"),
        _ => Sent::new(at, Source::ShopAndroid, "purchase", chance).with("userId", "cus_1002"),
    }
}
