//! A turn at the desk: signing in, some work, and what a company goes through from trial to a larger plan.

use serde_json::{Value, json};

use super::cast::{Cast, Company};
use super::chance::Chance;
use super::rhythm::{DAY_MS, HOUR_MS};
use super::scene::{Scene, library};
use super::sent::{Sent, Source, later};
use super::words::{FEATURES, PLANS};
use crate::call::time::Time;

/// The event that says too much: an operator hides it from the feed.
pub const NOISE: &str = "Autosave Ticked";

/// Plays one turn.
pub(super) fn turn(scene: &mut Scene<'_>) {
    scene.open(None, "Sign In", "/login");
    scene.wait(4, 20);
    if scene.person.is_known {
        if !scene.device.is_used || scene.chance.percent(25) {
            scene.identify();
        }
    } else {
        sign_up(scene);
    }
    let email = scene.person.email.clone();
    scene.track("Signed In", json!({"username": email}));
    scene.open(None, "Overview", "/overview");
    for _ in 0..scene.chance.between(1, 4) {
        scene.wait(15, 240);
        let (feature, path) = *scene.chance.pick(FEATURES);
        scene.open(Some("Desk"), feature, path);
        scene.wait(5, 60);
        let minutes = scene.chance.between(1, 14);
        scene.track("Feature Used", json!({"feature": feature, "minutes": minutes}));
        if scene.chance.percent(35) {
            scene.wait(5, 30);
            scene.track(NOISE, json!({"feature": feature}));
        }
    }
    if scene.chance.percent(7) {
        let domain = scene.company().map_or_else(String::new, |company| company.domain.clone());
        let invitee = format!("new.colleague{}@{domain}", scene.chance.between(1, 99));
        scene.track("Invited Teammate", json!({"invitee_email": invitee, "invitee_role": "Barista"}));
        scene.server_says("track", json!({"event": "Account Added User", "properties": {"role": "Barista"}}));
    }
    if scene.chance.percent(6) {
        let conversation = scene.chance.id();
        let about = json!({"conversation_id": conversation, "agent_name": "Desk Help", "agent_id": "agent-1"});
        scene.track("Live Chat Conversation Started", about);
    }
    if scene.chance.percent(30) {
        scene.wait(5, 200);
        scene.track("Signed Out", json!({"username": email}));
    }
}

fn sign_up(scene: &mut Scene<'_>) {
    scene.person.is_known = true;
    scene.identify();
    let (email, title) = (scene.person.email.clone(), scene.person.work.map_or("", |(_, role)| role));
    scene.track("Signed Up", json!({"type": "desk", "email": email, "title": title}));
    scene.wait(1, 5);
    if title == "Owner" {
        let name = scene.company().map_or_else(String::new, |company| company.name.clone());
        scene.server_says("track", json!({"event": "Account Created", "properties": {"account_name": name}}));
        scene.server_says("track", json!({"event": "Trial Started", "properties": {"trial_plan_name": "pro"}}));
    }
}

/// Companies that grow in the week: free, then pro, then team. The owner's trait and the group's follow.
pub(super) fn upgrades(chance: &mut Chance, cast: &mut Cast, now: Time, out: &mut Vec<Sent>) {
    let people = &cast.people;
    for (place, company) in cast.companies.iter_mut().enumerate().filter(|(place, _)| place % 3 == 0) {
        let owner = people.iter().find(|person| person.work == Some((place, "Owner")));
        let Some(user_id) = owner.and_then(|owner| owner.user_id.clone()) else { continue };
        let began = later(now, -6 * DAY_MS).max(company.joined);
        let mut at = later(began, HOUR_MS * i64::from(chance.between(3, 30)));
        let mut plan = company.plans.last().map_or(0, |(_, plan)| *plan) + 1;
        while at < now && plan < PLANS.len() {
            company.plans.push((at, plan));
            upgrade(chance, company, &user_id, at, out);
            at = later(at, HOUR_MS * i64::from(chance.between(20, 70)));
            plan += 1;
        }
    }
}

fn upgrade(chance: &mut Chance, company: &Company, user_id: &str, at: Time, out: &mut Vec<Sent>) {
    let mut context = library(Source::DeskServer);
    context.insert("groupId".to_owned(), json!(company.id));
    let context = Value::Object(context);
    let mut say = |kind: &str, offset: i64| {
        let sent = Sent::new(later(at, offset), Source::DeskServer, kind, chance);
        sent.with("userId", user_id).with("context", context.clone())
    };
    let (from, plan) = (company.plan(later(at, -1)), company.plan(at));
    let revenue = if plan == "team" { 79 } else { 29 };
    let paid = json!({"from": from, "plan": plan, "revenue": revenue, "currency": "EUR"});
    out.push(say("track", 0).with("event", "Plan Upgraded").with("properties", paid));
    out.push(say("identify", 80).with("traits", json!({"plan": plan})));
    out.push(say("group", 160).with("groupId", company.id.clone()).with("traits", json!({"plan": plan})));
}
