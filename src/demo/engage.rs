//! Audiences and computed traits: watches orders and carts, and tells every few hours what changed, as Segment's Engage does.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::chance::Chance;
use super::rhythm::{DAY_MS, HOUR_MS};
use super::scene::library;
use super::sent::{Sent, Source};
use crate::call::time::Time;

/// Spent in a week by a big spender, in cents.
const BIG_CENTS: u32 = 15_000;
/// How long an untouched cart is an abandoned one.
const ABANDONED_MS: i64 = 2 * HOUR_MS;
/// How long somebody who ordered is a recent buyer.
const RECENT_MS: i64 = 2 * DAY_MS;

/// What is known of one customer.
#[derive(Clone, Debug, Default)]
struct Seen {
    orders: u32,
    cents: u32,
    last_order: Option<Time>,
    cart_since: Option<Time>,
    /// What was told last, by key.
    told: BTreeMap<&'static str, Value>,
}

/// The watcher.
#[derive(Clone, Debug, Default)]
pub(super) struct Engage(BTreeMap<String, Seen>);

impl Engage {
    /// Looks at a call.
    pub(super) fn see(&mut self, sent: &Sent) {
        let user_id = sent.text("userId");
        let event = sent.text("event");
        if user_id.is_empty() || !matches!(event, "Order Completed" | "Product Added") {
            return;
        }
        let seen = self.0.entry(user_id.to_owned()).or_default();
        if event == "Product Added" {
            seen.cart_since = Some(sent.at);
            return;
        }
        let revenue = sent.call.get("properties").and_then(|properties| properties.get("revenue"));
        seen.orders += 1;
        seen.cents += cents(revenue);
        (seen.last_order, seen.cart_since) = (Some(sent.at), None);
    }

    /// Tells what changed since the last time.
    pub(super) fn sync(&mut self, at: Time, chance: &mut Chance, out: &mut Vec<Sent>) {
        for (user_id, seen) in &mut self.0 {
            for (class, key, value) in seen.now(at) {
                let before = seen.told.get(key);
                // Who was never in an audience is not told to have left it.
                let is_news = before.map_or(value != json!(false), |before| *before != value);
                if is_news {
                    seen.told.insert(key, value.clone());
                    out.push(told(at, user_id, class, key, value, chance));
                }
            }
        }
    }
}

impl Seen {
    fn now(&self, at: Time) -> Vec<(&'static str, &'static str, Value)> {
        let since = |time: Option<Time>| time.map(|time| at.as_millis() - time.as_millis());
        let is_recent = since(self.last_order).is_some_and(|age| age < RECENT_MS);
        let is_abandoned = since(self.cart_since).is_some_and(|age| (ABANDONED_MS..RECENT_MS).contains(&age));
        let mut now = vec![
            ("audience", "big_spenders", json!(self.cents >= BIG_CENTS)),
            ("audience", "recent_buyers", json!(is_recent)),
            ("audience", "cart_abandoners", json!(is_abandoned)),
        ];
        if self.orders > 0 {
            now.push(("trait", "orders_last_7_days", json!(self.orders)));
            now.push(("trait", "spent_last_7_days", super::sent::money(self.cents)));
            now.push(("journey_step", "j_o_second_cup", json!(if self.orders > 1 { "true" } else { "false" })));
        }
        now
    }
}

/// An amount in a call as cents.
fn cents(amount: Option<&Value>) -> u32 {
    let text = amount.map(Value::to_string).unwrap_or_default();
    let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
    let part = format!("{part:0<2}");
    let number = |digits: &str| digits.parse::<u32>().unwrap_or_default();
    number(whole) * 100 + number(part.get(..2).unwrap_or_default())
}

fn told(at: Time, user_id: &str, class: &str, key: &str, value: Value, chance: &mut Chance) -> Sent {
    let mut context = library(Source::Engage);
    let personas = json!({
        "computation_class": class,
        "computation_id": format!("{}_demo_{key}", if class == "trait" { "tra" } else { "aud" }),
        "computation_key": key,
        "namespace": "spa_demo",
        "space_id": "spa_demo",
    });
    context.insert("personas".to_owned(), personas);
    let traits = Map::from_iter([(key.to_owned(), value)]);
    Sent::new(at, Source::Engage, "identify", chance)
        .with("userId", user_id)
        .with("traits", Value::Object(traits))
        .with("context", Value::Object(context))
        .with("integrations", json!({"All": false, "Windsor": true}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_the_cent() {
        for (amount, expected) in [(json!(14.5), 1_450), (json!(64.0), 6_400), (json!(0.05), 5), (json!(7), 700)] {
            assert_eq!(cents(Some(&amount)), expected, "{amount}");
        }
        assert_eq!(cents(None), 0);
    }

    #[test]
    fn people_enter_and_leave() {
        let mut chance = Chance::new(7, 0);
        let at = |hours: i64| Time::from_millis(1_700_000_000_000 + hours * HOUR_MS);
        let say = |hours, event: &str, chance: &mut Chance| {
            let sent = Sent::new(at(hours), Source::ShopServer, "track", chance).with("userId", "u");
            sent.with("event", event).with("properties", json!({"revenue": 20.0}))
        };
        let mut engage = Engage::default();
        let sync = |engage: &mut Engage, hours, chance: &mut Chance| {
            let mut out = Vec::new();
            engage.sync(at(hours), chance, &mut out);
            out.iter().map(|sent| sent.call["traits"].to_string()).collect::<Vec<_>>()
        };
        engage.see(&say(0, "Product Added", &mut chance));
        assert!(sync(&mut engage, 1, &mut chance).is_empty(), "too early");
        assert_eq!(sync(&mut engage, 3, &mut chance), [r#"{"cart_abandoners":true}"#]);
        engage.see(&say(4, "Order Completed", &mut chance));
        let all = sync(&mut engage, 6, &mut chance);
        assert!(all.contains(&r#"{"cart_abandoners":false}"#.to_owned()), "{all:?}");
        assert!(all.contains(&r#"{"recent_buyers":true}"#.to_owned()), "{all:?}");
        assert!(sync(&mut engage, 7, &mut chance).is_empty(), "nothing changed");
        assert_eq!(sync(&mut engage, 60, &mut chance), [r#"{"recent_buyers":false}"#]);
    }
}
