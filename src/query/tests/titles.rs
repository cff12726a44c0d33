//! The title of every kind of call, and of every semantic event.

use super::calls::{alias, call, group, identify, page, track};
use crate::query::category;
use crate::query::title::{TITLE_LETTERS_MAX, title};
use crate::views::card::Card;
use crate::views::entry::EntryKind;

/// Event, properties, title, and the chapter.
const SEMANTIC: &[(&str, &str, &str, &str)] = &[
    ("Products Searched", r#"{"query":"red shoes"}"#, "searched \"red shoes\"", "ecommerce"),
    ("Product List Viewed", r#"{"category":"Shoes","products":[{},{}]}"#, "viewed list Shoes (2)", "ecommerce"),
    ("Product List Viewed", r#"{"category":"Shoes"}"#, "viewed list Shoes", "ecommerce"),
    ("Product List Filtered", r#"{"category":"Shoes","products":[{}]}"#, "filtered list Shoes (1)", "ecommerce"),
    ("Promotion Viewed", r#"{"name":"Summer"}"#, "promo Summer", "ecommerce"),
    ("Promotion Clicked", r#"{"name":"Summer"}"#, "promo Summer", "ecommerce"),
    ("Product Clicked", r#"{"name":"Boot","price":19.9}"#, "clicked Boot 19.90 USD", "ecommerce"),
    ("Product Viewed", r#"{"name":"Boot","price":"19.90","currency":"EUR"}"#, "viewed Boot 19.90 EUR", "ecommerce"),
    ("Product Viewed", r#"{"name":"Boot"}"#, "viewed Boot", "ecommerce"),
    ("Product Added", r#"{"name":"Boot","quantity":2}"#, "added 2 x Boot", "ecommerce"),
    ("Product Added", r#"{"name":"Boot"}"#, "added 1 x Boot", "ecommerce"),
    ("Product Removed", r#"{"name":"Boot","quantity":"3"}"#, "removed 3 x Boot", "ecommerce"),
    ("Cart Viewed", r#"{"products":[{},{},{}]}"#, "cart of 3", "ecommerce"),
    ("Checkout Started", r#"{"value":30,"currency":"USD"}"#, "checkout 30.00 USD", "ecommerce"),
    ("Checkout Started", r#"{"revenue":"25.5"}"#, "checkout 25.50 USD", "ecommerce"),
    ("Checkout Step Viewed", r#"{"step":2}"#, "step 2", "ecommerce"),
    ("Checkout Step Completed", r#"{"step":"2"}"#, "step 2", "ecommerce"),
    ("Payment Info Entered", "{}", "payment info", "ecommerce"),
    ("Order Updated", r#"{"order_id":"o1","total":5}"#, "order o1: 5.00 USD (updated)", "ecommerce"),
    ("Order Completed", r#"{"order_id":"o1","total":27.5,"revenue":25}"#, "order o1: 27.50 USD", "ecommerce"),
    ("Order Completed", r#"{"order_id":"o1","revenue":"25.00"}"#, "order o1: 25.00 USD", "ecommerce"),
    ("Order Completed", r#"{"order_id":"o1"}"#, "order o1", "ecommerce"),
    ("Order Cancelled", r#"{"order_id":"o1","total":5}"#, "order o1: 5.00 USD (cancelled)", "ecommerce"),
    ("Order Refunded", r#"{"order_id":"o1","total":5}"#, "refunded o1 5.00 USD", "ecommerce"),
    ("Coupon Entered", r#"{"coupon_name":"MAY"}"#, "coupon MAY", "ecommerce"),
    ("Coupon Applied", r#"{"coupon_name":"MAY"}"#, "coupon MAY", "ecommerce"),
    ("Coupon Denied", r#"{"coupon_name":"MAY"}"#, "coupon MAY (denied)", "ecommerce"),
    ("Coupon Removed", r#"{"coupon_name":"MAY"}"#, "coupon MAY (removed)", "ecommerce"),
    ("Product Added to Wishlist", r#"{"name":"Boot"}"#, "wishlist Boot", "ecommerce"),
    ("Product Removed from Wishlist", r#"{"name":"Boot"}"#, "wishlist Boot (removed)", "ecommerce"),
    ("Wishlist Product Added to Cart", r#"{"name":"Boot"}"#, "wishlist Boot (added to cart)", "ecommerce"),
    ("Product Shared", r#"{"share_via":"email"}"#, "shared via email", "ecommerce"),
    ("Cart Shared", r#"{"share_via":"email"}"#, "shared via email", "ecommerce"),
    ("Product Reviewed", r#"{"rating":"5"}"#, "5 stars", "ecommerce"),
    ("Account Created", r#"{"account_name":"Acme"}"#, "Account Created: Acme", "saas"),
    ("Account Deleted", r#"{"account_name":"Acme"}"#, "Account Deleted: Acme", "saas"),
    ("Signed Up", r#"{"username":"ann"}"#, "Signed Up: ann", "saas"),
    ("Signed In", r#"{"username":"ann"}"#, "Signed In: ann", "saas"),
    ("Signed Out", r#"{"username":"ann"}"#, "Signed Out: ann", "saas"),
    ("Invite Sent", r#"{"invitee_email":"b@x.example"}"#, "Invite Sent: b@x.example", "saas"),
    ("Account Added User", r#"{"role":"owner"}"#, "Account Added User: owner", "saas"),
    ("Account Removed User", "{}", "Account Removed User", "saas"),
    ("Trial Started", r#"{"trial_plan_name":"pro"}"#, "Trial Started: pro", "saas"),
    ("Trial Ended", r#"{"trial_plan_name":"pro"}"#, "Trial Ended: pro", "saas"),
    ("Application Installed", r#"{"version":"1.2"}"#, "Application Installed: 1.2", "mobile"),
    ("Application Opened", r#"{"version":"1.2"}"#, "Application Opened: 1.2", "mobile"),
    ("Application Updated", r#"{"previous_version":"1","version":"2"}"#, "Application Updated: 1 to 2", "mobile"),
    ("Application Backgrounded", "{}", "Application Backgrounded", "mobile"),
    ("Application Foregrounded", "{}", "Application Foregrounded", "mobile"),
    ("Application Uninstalled", "{}", "Application Uninstalled", "mobile"),
    ("Application Crashed", "{}", "Application Crashed", "mobile"),
    ("Install Attributed", r#"{"provider":"Tune"}"#, "Install Attributed: Tune", "mobile"),
    ("Push Notification Received", r#"{"campaign":{"name":"May"}}"#, "Push Notification Received: May", "mobile"),
    ("Push Notification Tapped", r#"{"action":"Accept"}"#, "Push Notification Tapped: Accept", "mobile"),
    ("Push Notification Bounced", "{}", "Push Notification Bounced", "mobile"),
    ("Deep Link Opened", r#"{"url":"app://x"}"#, "Deep Link Opened: app://x", "mobile"),
    ("Deep Link Clicked", r#"{"url":"app://x"}"#, "Deep Link Clicked: app://x", "mobile"),
    ("Video Playback Started", r#"{"position":0,"total_length":300}"#, "Video Playback Started: 0 of 300 s", "video"),
    ("Video Playback Buffer Completed", r#"{"position":5}"#, "Video Playback Buffer Completed: at 5 s", "video"),
    ("Video Playback Exited", "{}", "Video Playback Exited", "video"),
    ("Video Content Playing", r#"{"title":"Pilot"}"#, "Video Content Playing: Pilot", "video"),
    ("Video Ad Completed", r#"{"type":"pre-roll"}"#, "Video Ad Completed: pre-roll", "video"),
    ("Video Quality Updated", r#"{"bitrate":16}"#, "Video Quality Updated: 16", "video"),
    ("Email Delivered", r#"{"email_subject":"Hi"}"#, "Email Delivered: Hi", "email"),
    ("Email Opened", r#"{"email_subject":"Hi"}"#, "Email Opened: Hi", "email"),
    ("Email Bounced", r#"{"campaign_name":"May"}"#, "Email Bounced: May", "email"),
    ("Email Link Clicked", r#"{"email_subject":"Hi"}"#, "Email Link Clicked: Hi", "email"),
    ("Email Marked as Spam", "{}", "Email Marked as Spam", "email"),
    ("Unsubscribed", r#"{"list_name":"News"}"#, "Unsubscribed: News", "email"),
    ("Live Chat Conversation Started", r#"{"agent_name":"Bo"}"#, "Live Chat Conversation Started: Bo", "chat"),
    ("Live Chat Conversation Ended", "{}", "Live Chat Conversation Ended", "chat"),
    ("Live Chat Message Sent", r#"{"agent_name":"Bo"}"#, "Live Chat Message Sent: Bo", "chat"),
    ("Live Chat Message Received", "{}", "Live Chat Message Received", "chat"),
    ("Experiment Viewed", r#"{"experiment_name":"E","variation_name":"A"}"#, "experiment E: A", "experiment"),
    ("Audience Entered", r#"{"audience_key":"vip","vip":true}"#, "entered audience vip", "engage"),
    ("Audience Exited", r#"{"audience_key":"vip","vip":false}"#, "left audience vip", "engage"),
    ("Trait Computed", r#"{"trait_key":"orders","orders":7}"#, "computed orders: 7", "engage"),
];

fn titled(event: &str, properties: &str) -> String {
    title(&track("u1", "-", event).of(properties))
}

#[test]
fn semantic_events_have_lines_of_their_own() {
    for (event, properties, line, chapter) in SEMANTIC {
        assert_eq!(titled(event, properties), *line, "{event} {properties}");
        assert_eq!(category::of(event), Some(*chapter), "{event}");
        let underscored = event.to_lowercase().replace(' ', "_");
        let own = line.replace(event, &underscored);
        assert_eq!(titled(&underscored, properties), own, "{underscored}");
    }
}

#[test]
fn former_names_are_worded_like_their_successors() {
    assert_eq!(titled("Viewed Product", r#"{"name":"Boot"}"#), "viewed Boot");
    assert_eq!(titled("Added Product", r#"{"name":"Boot"}"#), "added 1 x Boot");
    assert_eq!(titled("Removed Product", r#"{"name":"Boot"}"#), "removed 1 x Boot");
    assert_eq!(titled("Completed Order", r#"{"order_id":5,"total":"1"}"#), "order 5: 1.00 USD");
    assert_eq!(titled("viewed_product_category", r#"{"category":"Shoes"}"#), "viewed list Shoes");
}

#[test]
fn what_lacks_its_properties_is_called_by_its_name() {
    for (event, ..) in SEMANTIC.iter().filter(|(event, ..)| *event != "Payment Info Entered") {
        for properties in ["{}", r#"{"name":null,"query":[],"category":{},"total":"free","step":"","position":true}"#] {
            assert_eq!(titled(event, properties), *event, "{properties}");
        }
    }
    assert_eq!(titled("Ate Lunch", r#"{"name":"x"}"#), "Ate Lunch");
}

#[test]
fn pages_screens_and_changes() {
    let seen = |card: Card| title(&card);
    let in_category = |card: Card| Card { category: Some("Docs".into()), ..card };
    let screen = |card: Card| Card { kind: EntryKind::Screen, ..card };
    assert_eq!(seen(page("u1", "-", "Home")), "Viewed Home Page");
    assert_eq!(seen(in_category(page("u1", "-", "Home"))), "Viewed Docs Home Page");
    assert_eq!(seen(page("u1", "-", "")), "Loaded a Page");
    assert_eq!(seen(in_category(call(EntryKind::Page, "u1", "-"))), "Loaded a Page");
    assert_eq!(seen(call(EntryKind::Page, "u1", "-").of(r#"{"name":"x","category":"y"}"#)), "Loaded a Page");
    assert_eq!(seen(screen(page("u1", "-", "Home"))), "Viewed Home Screen");
    assert_eq!(seen(screen(in_category(page("u1", "-", "Home")))), "Viewed Docs Home Screen");
    assert_eq!(seen(call(EntryKind::Screen, "u1", "-")), "Loaded a Screen");
    assert_eq!(seen(identify("u1", "-", r#"{"plan":1,"city":null}"#)), "set plan; cleared city");
    assert_eq!(seen(identify("u1", "-", r#"{"e":1,"d":1,"c":1,"b":1,"a":1}"#)), "set a, b, c and 2 more");
    assert_eq!(seen(identify("u1", "-", "{}")), "identified");
    assert_eq!(seen(group("u1", "-", "g1", r#"{"name":"Acme"}"#)), "joined group Acme");
    assert_eq!(seen(group("u1", "-", "g1", "{}")), "joined group g1");
    assert_eq!(seen(alias("p", "n")), "alias: p is n");
}

#[test]
fn a_title_is_one_line_of_bounded_length() {
    assert_eq!(titled("a\r\nb\u{1b}[2J", "{}"), "a  b [2J");
    let exact = "x".repeat(TITLE_LETTERS_MAX);
    assert_eq!(titled(&exact, "{}"), exact);
    let long = titled(&"ä".repeat(TITLE_LETTERS_MAX + 1), "{}");
    assert_eq!(long.chars().count(), TITLE_LETTERS_MAX);
    assert!(long.ends_with("ä…"));
}
