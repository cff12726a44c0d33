//! Who plays: visitors and customers of the shop, companies and their teams at the desk.

use serde_json::{Value, json};

use super::chance::Chance;
use super::rhythm::{DAY_MS, Place, some_time};
use super::sent::{Source, later};
use super::words::{CITIES, COMPANY_FIRST, COMPANY_LAST, INDUSTRIES, MAIL_DOMAINS, NAMES, PLANS, ROLES};
use crate::call::time::Time;

const CUSTOMERS: u32 = 240;
const VISITORS: u32 = 180;
const COMPANIES: u32 = 36;

/// A browser or phone.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) source: Source,
    pub(super) anonymous_id: String,
    pub(super) ip: String,
    /// Whether it was seen before.
    pub(super) is_used: bool,
}

/// Somebody.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// What they are called once they log in; none of a visitor who never does.
    pub(super) user_id: Option<String>,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) phone: Option<String>,
    /// Where they live, by its place in the list of cities; and when they move in the week, where to.
    pub(super) city: usize,
    pub(super) moves: Option<(Time, usize)>,
    pub(super) devices: Vec<Device>,
    /// When they sign up: before the week, in it, or never.
    pub(super) joins: Time,
    /// Whether they have signed up by now.
    pub(super) is_known: bool,
    /// Their company at the desk, by its place in the cast, and what they do there.
    pub(super) work: Option<(usize, &'static str)>,
    /// What lies in their cart from an earlier visit: places in the list of products, and how many of each.
    pub(super) cart: Vec<(usize, u32)>,
}

/// A customer of the desk.
#[derive(Clone, Debug)]
pub(super) struct Company {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) domain: String,
    pub(super) industry: &'static str,
    pub(super) employees: u32,
    /// Since when it has which plan, by its place in the list of plans; oldest first.
    pub(super) plans: Vec<(Time, usize)>,
    pub(super) joined: Time,
}

/// Everybody.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    pub(super) people: Vec<Person>,
    pub(super) companies: Vec<Company>,
}

impl Cast {
    /// The people of the week that ends at `now`.
    pub(super) fn gather(chance: &mut Chance, now: Time) -> Self {
        let mut cast = Self { people: Vec::new(), companies: Vec::new() };
        for number in 0..CUSTOMERS {
            let joins = if chance.percent(78) { before(chance, now) } else { some_time(chance, now, 6, Place::Shop) };
            let person = shopper(chance, Some(format!("cus_{}", 1_000 + number)), joins);
            cast.people.push(person);
        }
        for _ in 0..VISITORS {
            let person = shopper(chance, None, now);
            cast.people.push(person);
        }
        for number in 0..COMPANIES {
            cast.found(chance, now, number);
        }
        cast
    }

    fn found(&mut self, chance: &mut Chance, now: Time, number: u32) {
        let first = *COMPANY_FIRST.get(number as usize % COMPANY_FIRST.len()).unwrap_or(&"Copper");
        let last = chance.pick(COMPANY_LAST);
        let name = format!("{first} {last}");
        let domain = format!("{}{number}.example", first.to_lowercase());
        let joined =
            if number.is_multiple_of(4) { some_time(chance, now, 6, Place::Desk) } else { before(chance, now) };
        let plan = if number.is_multiple_of(4) { 0 } else { chance.place(PLANS.len()) };
        let employees = chance.between(3, 240);
        let industry = chance.pick(INDUSTRIES);
        let plans = vec![(joined, plan)];
        let id = format!("co_{}", 100 + number);
        self.companies.push(Company { id, name, domain, industry, employees, plans, joined });
        for member in 0..chance.between(2, 6) {
            let joins = later(joined, i64::from(member) * i64::from(chance.between(1, 90)) * 60_000);
            let mut person = shopper(chance, Some(format!("usr_{}", 2_000 + number * 10 + member)), joins);
            let domain = self.companies.last().map_or("example.com", |company| &company.domain);
            person.email = format!("{}@{domain}", person.email.split('@').next().unwrap_or("team"));
            for device in &mut person.devices {
                device.source = Source::DeskWeb;
            }
            let role = if member == 0 { "Owner" } else { *chance.pick(ROLES) };
            person.work = Some((self.companies.len().saturating_sub(1), role));
            self.people.push(person);
        }
    }
}

/// Some day of the months before the week, long enough ago to be settled in all of it.
fn before(chance: &mut Chance, now: Time) -> Time {
    later(now, -DAY_MS * i64::from(chance.between(15, 400)) - i64::from(chance.between(0, 80_000_000)))
}

/// Somebody with one to three devices.
pub(super) fn shopper(chance: &mut Chance, user_id: Option<String>, joins: Time) -> Person {
    let (name, slug) = name(chance);
    let number = chance.between(1, 999);
    let email = format!("{slug}{number}@{}", chance.pick(MAIL_DOMAINS));
    let phone = chance.percent(40).then(|| format!("+44 7700 900{:03}", chance.between(0, 999)));
    let mut devices = vec![device(chance, Source::ShopWeb)];
    if user_id.is_some() && chance.percent(38) {
        let source = if chance.percent(55) { Source::ShopIos } else { Source::ShopAndroid };
        devices.push(device(chance, source));
    }
    if user_id.is_some() && chance.percent(14) {
        devices.push(device(chance, Source::ShopWeb));
    }
    let city = chance.place(CITIES.len());
    let (is_known, moves, work, cart) = (false, None, None, Vec::new());
    Person { user_id, name, email, phone, city, moves, devices, joins, is_known, work, cart }
}

pub(super) fn device(chance: &mut Chance, source: Source) -> Device {
    // The three networks that are kept for documentation.
    let network = chance.pick(&["192.0.2", "198.51.100", "203.0.113"]);
    let ip = format!("{network}.{}", chance.between(1, 254));
    Device { source, anonymous_id: chance.id(), ip, is_used: false }
}

/// A name, and how it is written in an address.
fn name(chance: &mut Chance) -> (String, String) {
    let mut left = chance.between(1, NAMES.iter().map(|names| names.share).sum());
    let names = NAMES.iter().find(|names| {
        let is_this = left <= names.share;
        left = left.saturating_sub(names.share);
        is_this
    });
    let Some(names) = names.or(NAMES.first()) else { return (String::new(), String::new()) };
    let (given, family) = (chance.pick(names.given), chance.pick(names.family));
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    let slug = format!("{}.{}", plain(given), plain(family));
    let slug = if slug.len() > 4 { slug } else { format!("tea.friend{}", chance.between(10, 99)) };
    (format!("{given} {family}"), slug)
}

impl Person {
    /// Their city at a time, as in the table.
    pub(super) fn home(&self, at: Time) -> (&'static str, &'static str, &'static str, &'static str) {
        let moved = self.moves.filter(|(moved, _)| *moved <= at).map(|(_, city)| city);
        CITIES.get(moved.unwrap_or(self.city)).copied().unwrap_or_default()
    }

    /// What an identify says about them at a time.
    pub(super) fn traits(&self, companies: &[Company], at: Time) -> Value {
        let (city, country, ..) = self.home(at);
        let mut traits = json!({
            "name": self.name,
            "email": self.email,
            "createdAt": self.joins.to_string(),
            "address": {"city": city, "country": country},
        });
        let Some(members) = traits.as_object_mut() else { return traits };
        if let Some(phone) = &self.phone {
            members.insert("phone".to_owned(), json!(phone));
        }
        if let Some((place, role)) = self.work {
            members.insert("title".to_owned(), json!(role));
            if let Some(company) = companies.get(place) {
                members.insert("plan".to_owned(), json!(company.plan(at)));
                members.insert("company".to_owned(), json!({"id": company.id, "name": company.name}));
            }
        }
        traits
    }
}

impl Company {
    /// The name of its plan at a time.
    pub(super) fn plan(&self, at: Time) -> &'static str {
        let plan = self.plans.iter().rev().find(|(since, _)| *since <= at).or(self.plans.first());
        plan.and_then(|(_, plan)| PLANS.get(*plan)).copied().unwrap_or("free")
    }

    /// What a group call says about it at a time.
    pub(super) fn traits(&self, at: Time) -> Value {
        json!({
            "name": self.name,
            "industry": self.industry,
            "employees": self.employees,
            "plan": self.plan(at),
            "website": format!("https://{}", self.domain),
            "createdAt": self.joined.to_string(),
        })
    }
}
