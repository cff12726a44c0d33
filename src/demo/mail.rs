//! Two letters to the customers of the shop, and what became of them.

use serde_json::{Value, json};

use super::cast::Cast;
use super::chance::Chance;
use super::rhythm::{DAY_MS, HOUR_MS};
use super::scene::library;
use super::sent::{Sent, Source, later};
use crate::call::time::Time;

const LETTERS: [(&str, &str, i64); 2] =
    [("autumn-steep", "Autumn, steeped", 5), ("clay-days", "Three days of clay", 2)];

/// When in the day they are sent.
const SENT_AT_MS: i64 = 9 * HOUR_MS;

/// Sends both.
pub(super) fn letters(chance: &mut Chance, cast: &Cast, now: Time, out: &mut Vec<Sent>) {
    for (campaign, subject, days_ago) in LETTERS {
        let midnight = later(now, -now.as_millis().rem_euclid(DAY_MS));
        let began = later(midnight, SENT_AT_MS - days_ago * DAY_MS);
        let readers = cast.people.iter().filter(|person| person.work.is_none() && person.joins < began);
        for person in readers {
            let Some(user_id) = &person.user_id else { continue };
            let mut context = library(Source::Mail);
            context.insert("traits".to_owned(), json!({"email": person.email}));
            let context = Value::Object(context);
            let letter = json!({"email_id": format!("{campaign}-{user_id}"), "email_subject": subject, "campaign_id": campaign, "campaign_name": subject});
            let mut at = later(began, i64::from(chance.between(0, 600_000)));
            let mut say = |event: &str, at: Time, chance: &mut Chance| {
                let sent = Sent::new(at, Source::Mail, "track", chance).with("userId", user_id.as_str());
                out.push(sent.with("event", event).with("properties", letter.clone()).with("context", context.clone()));
            };
            if chance.percent(3) {
                say("Email Bounced", at, chance);
                continue;
            }
            say("Email Delivered", at, chance);
            if !chance.percent(40) {
                continue;
            }
            at = later(at, i64::from(chance.between(60, 30 * 3_600)) * 1_000);
            say("Email Opened", at, chance);
            if chance.percent(30) {
                say("Email Link Clicked", later(at, i64::from(chance.between(2_000, 60_000))), chance);
            } else if chance.percent(3) {
                say("Unsubscribed", later(at, HOUR_MS / 60), chance);
            }
        }
    }
}
