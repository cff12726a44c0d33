//! The one line that a timeline or feed shows for a call.
//!
//! What a semantic event needs for its line may be missing or of a wrong kind: then the line is the event's name as sent.

use super::category::semantic;
use super::money::money;
use crate::views::card::Card;
use crate::views::entry::EntryKind;
use crate::views::fold_parts::{Members, is_number, members, string};

/// Letters of a title at most; what is longer ends with an ellipsis.
pub const TITLE_LETTERS_MAX: usize = 200;
/// Keys that the title of an identify call names.
const KEYS_NAMED: usize = 3;

/// The line of a call by itself. Merges and undos, which need to know who is who, are worded where links are.
pub fn title(card: &Card) -> String {
    let name = card.name.as_deref().filter(|name| !name.is_empty());
    one_line(match card.kind {
        EntryKind::Track => {
            let event = name.unwrap_or("unnamed event");
            semantic(event)
                .and_then(|(known, _)| rendered(known, event, &members(&card.payload)))
                .unwrap_or_else(|| event.to_owned())
        }
        EntryKind::Page => viewed(card.category.as_deref(), name, "Page"),
        EntryKind::Screen => viewed(card.category.as_deref(), name, "Screen"),
        EntryKind::Identify => changed_traits(&card.payload),
        EntryKind::Group => joined(card),
        EntryKind::Alias => format!(
            "alias: {} is {}",
            card.target.as_deref().unwrap_or("nobody"),
            card.user_id.as_deref().unwrap_or("nobody")
        ),
        EntryKind::Control => format!("operator: {}", name.unwrap_or("nothing")),
    })
}

fn viewed(category: Option<&str>, name: Option<&str>, what: &str) -> String {
    match (category.filter(|category| !category.is_empty()), name) {
        (Some(category), Some(name)) => format!("Viewed {category} {name} {what}"),
        (None, Some(name)) => format!("Viewed {name} {what}"),
        (_, None) => format!("Loaded a {what}"),
    }
}

fn changed_traits(payload: &str) -> String {
    let traits = members(payload);
    let (cleared, set): (Vec<_>, Vec<_>) = traits.iter().partition(|(_, value)| value.get() == "null");
    let part = |verb: &str, keys: &[(&String, &&serde_json::value::RawValue)]| {
        let named: Vec<&str> = keys.iter().take(KEYS_NAMED).map(|(key, _)| key.as_str()).collect();
        let more = keys.len().saturating_sub(KEYS_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!keys.is_empty()).then(|| format!("{verb} {}{more}", named.join(", ")))
    };
    let parts: Vec<String> = [part("set", &set), part("cleared", &cleared)].into_iter().flatten().collect();
    if parts.is_empty() { "identified".to_owned() } else { parts.join("; ") }
}

fn joined(card: &Card) -> String {
    let traits = members(&card.payload);
    let name = Properties(&traits).text("name");
    format!("joined group {}", name.as_deref().or(card.target.as_deref()).unwrap_or("without id"))
}

/// One line without control characters, cut to the limit.
pub(super) fn one_line(text: String) -> String {
    let is_clean = !text.contains(char::is_control) && text.len() <= TITLE_LETTERS_MAX;
    if is_clean {
        return text;
    }
    let mut letters = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut line: String = letters.by_ref().take(TITLE_LETTERS_MAX).collect();
    if letters.next().is_some() {
        line.pop();
        line.push('…');
    }
    line
}

struct Properties<'a>(&'a Members<'a>);

impl Properties<'_> {
    /// A string that is not blank, or a number.
    fn text(&self, key: &str) -> Option<String> {
        let json = self.0.get(key)?.get();
        if is_number(json) { Some(json.to_owned()) } else { string(json).filter(|text| !text.trim().is_empty()) }
    }

    /// The first that is there.
    fn first(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.text(key))
    }

    fn money(&self, keys: &[&str]) -> Option<String> {
        money(self.0, keys)
    }

    /// How many products; none if there is no list.
    fn products(&self) -> Option<usize> {
        let list: Vec<serde::de::IgnoredAny> = serde_json::from_str(self.0.get("products")?.get()).ok()?;
        Some(list.len())
    }

    /// The name of the campaign, which is an object inside.
    fn campaign(&self) -> Option<String> {
        let campaign = members(self.0.get("campaign")?.get());
        Properties(&campaign).text("name")
    }
}

/// The line of a semantic event; none when what it needs is missing.
fn rendered(known: &str, event: &str, properties: &Members<'_>) -> Option<String> {
    let has = Properties(properties);
    ecommerce(known, &has).or_else(|| others(known, event, &has))
}

fn ecommerce(known: &str, has: &Properties<'_>) -> Option<String> {
    let item = |verb: &str| {
        let name = has.text("name")?;
        Some(match has.money(&["price"]) {
            Some(price) => format!("{verb} {name} {price}"),
            None => format!("{verb} {name}"),
        })
    };
    let quantity = |verb: &str| {
        let name = has.text("name")?;
        Some(format!("{verb} {} x {name}", has.text("quantity").unwrap_or_else(|| "1".to_owned())))
    };
    let list = |verb: &str| {
        let category = has.first(&["category", "list_id"])?;
        Some(match has.products() {
            Some(count) => format!("{verb} list {category} ({count})"),
            None => format!("{verb} list {category}"),
        })
    };
    match known {
        "Products Searched" => Some(format!("searched \"{}\"", has.text("query")?)),
        "Product List Viewed" => list("viewed"),
        "Product List Filtered" => list("filtered"),
        "Promotion Viewed" | "Promotion Clicked" => Some(format!("promo {}", has.text("name")?)),
        "Product Clicked" => item("clicked"),
        "Product Viewed" => item("viewed"),
        "Product Added" => quantity("added"),
        "Product Removed" => quantity("removed"),
        "Cart Viewed" => Some(format!("cart of {}", has.products()?)),
        "Checkout Started" => Some(format!("checkout {}", has.money(&["value", "total", "revenue"])?)),
        "Checkout Step Viewed" | "Checkout Step Completed" => Some(format!("step {}", has.text("step")?)),
        "Payment Info Entered" => Some("payment info".to_owned()),
        "Order Completed" => order(has, ""),
        "Order Updated" => order(has, " (updated)"),
        "Order Cancelled" => order(has, " (cancelled)"),
        "Order Refunded" => {
            let total = has.money(&["total", "revenue", "value"]);
            worded("refunded", [has.text("order_id"), total], " ")
        }
        "Coupon Entered" | "Coupon Applied" => Some(format!("coupon {}", has.text("coupon_name")?)),
        "Coupon Denied" => Some(format!("coupon {} (denied)", has.text("coupon_name")?)),
        "Coupon Removed" => Some(format!("coupon {} (removed)", has.text("coupon_name")?)),
        "Product Added to Wishlist" => Some(format!("wishlist {}", has.first(&["name", "wishlist_name"])?)),
        "Product Removed from Wishlist" => {
            Some(format!("wishlist {} (removed)", has.first(&["name", "wishlist_name"])?))
        }
        "Wishlist Product Added to Cart" => {
            Some(format!("wishlist {} (added to cart)", has.first(&["name", "wishlist_name"])?))
        }
        "Product Shared" | "Cart Shared" => Some(format!("shared via {}", has.text("share_via")?)),
        "Product Reviewed" => Some(format!("{} stars", has.text("rating")?)),
        _ => None,
    }
}

fn order(has: &Properties<'_>, state: &str) -> Option<String> {
    let total = has.money(&["total", "revenue", "value"]);
    worded("order", [has.text("order_id"), total], ": ").map(|line| line + state)
}

/// The word and those of the two that are there.
fn worded(word: &str, parts: [Option<String>; 2], between: &str) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("{word} {}", parts.join(between)))
}

/// The chapters without lines of their own: the name as sent, and the property that tells most.
fn others(known: &str, event: &str, has: &Properties<'_>) -> Option<String> {
    let event = event.trim();
    let tells = |keys: &[&str]| has.first(keys).map(|text| format!("{event}: {text}"));
    match known {
        "Account Created" | "Account Deleted" => tells(&["account_name"]),
        "Signed Up" => tells(&["username", "email"]),
        "Signed In" | "Signed Out" => tells(&["username"]),
        "Invite Sent" => tells(&["invitee_email"]),
        "Account Added User" => tells(&["role"]),
        "Trial Started" | "Trial Ended" => tells(&["trial_plan_name"]),
        "Application Installed" | "Application Opened" => tells(&["version"]),
        "Application Updated" => match (has.text("previous_version"), has.text("version")) {
            (Some(from), Some(to)) => Some(format!("{event}: {from} to {to}")),
            (_, to) => to.map(|to| format!("{event}: {to}")),
        },
        "Install Attributed" => tells(&["provider"]),
        "Push Notification Received" | "Push Notification Tapped" | "Push Notification Bounced" => {
            has.campaign().map(|name| format!("{event}: {name}")).or_else(|| tells(&["action"]))
        }
        "Deep Link Opened" | "Deep Link Clicked" => tells(&["url"]),
        "Video Quality Updated" => tells(&["bitrate"]),
        "Unsubscribed" => tells(&["list_name", "campaign_name", "email_subject"]),
        "Experiment Viewed" => match (has.text("experiment_name"), has.text("variation_name")) {
            (Some(name), Some(variation)) => Some(format!("experiment {name}: {variation}")),
            (name, _) => name.map(|name| format!("experiment {name}")),
        },
        "Audience Entered" => Some(format!("entered audience {}", has.text("audience_key")?)),
        "Audience Exited" => Some(format!("left audience {}", has.text("audience_key")?)),
        "Trait Computed" => {
            let key = has.text("trait_key")?;
            Some(match has.text(&key) {
                Some(value) => format!("computed {key}: {value}"),
                None => format!("computed {key}"),
            })
        }
        _ if known.starts_with("Video Playback ") => match (has.text("position"), has.text("total_length")) {
            (Some(at), Some(length)) => Some(format!("{event}: {at} of {length} s")),
            (at, _) => at.map(|at| format!("{event}: at {at} s")),
        },
        _ if known.starts_with("Video ") => tells(&["title", "program", "type"]),
        _ if known.starts_with("Email ") => tells(&["email_subject", "campaign_name"]),
        _ if known.starts_with("Live Chat ") => tells(&["agent_name", "agent_username"]),
        _ => None,
    }
}
