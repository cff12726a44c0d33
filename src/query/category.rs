//! Semantic events: the names that Segment's specification gives a meaning to, and which of its chapters each is from.
//!
//! Names count case-sensitively after trimming, also in lower case with underscores; the old names of version 1 of the
//! e-commerce chapter stand for their successors.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A chapter of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the chapters")]
pub enum Category {
    Ecommerce,
    Saas,
    Mobile,
    Video,
    Email,
    Chat,
    Experiment,
    Engage,
}

impl Category {
    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ecommerce => "ecommerce",
            Self::Saas => "saas",
            Self::Mobile => "mobile",
            Self::Video => "video",
            Self::Email => "email",
            Self::Chat => "chat",
            Self::Experiment => "experiment",
            Self::Engage => "engage",
        }
    }
}

const NAMES: [(Category, &[&str]); 8] = [
    (
        Category::Ecommerce,
        &[
            "Products Searched",
            "Product List Viewed",
            "Product List Filtered",
            "Promotion Viewed",
            "Promotion Clicked",
            "Product Clicked",
            "Product Viewed",
            "Product Added",
            "Product Removed",
            "Cart Viewed",
            "Checkout Started",
            "Checkout Step Viewed",
            "Checkout Step Completed",
            "Payment Info Entered",
            "Order Updated",
            "Order Completed",
            "Order Cancelled",
            "Order Refunded",
            "Coupon Entered",
            "Coupon Applied",
            "Coupon Denied",
            "Coupon Removed",
            "Product Added to Wishlist",
            "Product Removed from Wishlist",
            "Wishlist Product Added to Cart",
            "Product Shared",
            "Cart Shared",
            "Product Reviewed",
        ],
    ),
    (
        Category::Saas,
        &[
            "Account Created",
            "Account Deleted",
            "Signed Up",
            "Signed In",
            "Signed Out",
            "Invite Sent",
            "Account Added User",
            "Account Removed User",
            "Trial Started",
            "Trial Ended",
        ],
    ),
    (
        Category::Mobile,
        &[
            "Application Installed",
            "Application Opened",
            "Application Updated",
            "Application Backgrounded",
            "Application Foregrounded",
            "Application Uninstalled",
            "Application Crashed",
            "Install Attributed",
            "Push Notification Received",
            "Push Notification Tapped",
            "Push Notification Bounced",
            "Deep Link Opened",
            "Deep Link Clicked",
        ],
    ),
    (
        Category::Video,
        &[
            "Video Playback Started",
            "Video Playback Paused",
            "Video Playback Interrupted",
            "Video Playback Buffer Started",
            "Video Playback Buffer Completed",
            "Video Playback Seek Started",
            "Video Playback Seek Completed",
            "Video Playback Resumed",
            "Video Playback Completed",
            "Video Playback Exited",
            "Video Content Started",
            "Video Content Playing",
            "Video Content Completed",
            "Video Ad Started",
            "Video Ad Playing",
            "Video Ad Completed",
            "Video Quality Updated",
        ],
    ),
    (
        Category::Email,
        &[
            "Email Delivered",
            "Email Opened",
            "Email Bounced",
            "Email Link Clicked",
            "Email Marked as Spam",
            "Unsubscribed",
        ],
    ),
    (
        Category::Chat,
        &[
            "Live Chat Conversation Started",
            "Live Chat Conversation Ended",
            "Live Chat Message Sent",
            "Live Chat Message Received",
        ],
    ),
    (Category::Experiment, &["Experiment Viewed"]),
    (Category::Engage, &["Audience Entered", "Audience Exited", "Trait Computed"]),
];

/// Names of version 1 of the e-commerce chapter, and what they are called now.
const FORMER: [(&str, &str); 5] = [
    ("Viewed Product", "Product Viewed"),
    ("Added Product", "Product Added"),
    ("Completed Order", "Order Completed"),
    ("Removed Product", "Product Removed"),
    ("Viewed Product Category", "Product List Viewed"),
];

static BY_SPELLING: LazyLock<HashMap<String, (&'static str, Category)>> = LazyLock::new(|| {
    let mut found = HashMap::new();
    for (category, names) in NAMES {
        for name in names {
            found.insert((*name).to_owned(), (*name, category));
        }
    }
    for (former, name) in FORMER {
        found.insert(former.to_owned(), (name, Category::Ecommerce));
    }
    let underscored = |(name, meaning): (&String, &_)| (name.to_ascii_lowercase().replace(' ', "_"), *meaning);
    let others: Vec<_> = found.iter().map(underscored).collect();
    found.extend(others);
    found
});

/// The name that the specification has for this event, and its chapter; none if it has none.
pub fn semantic(event: &str) -> Option<(&'static str, Category)> {
    BY_SPELLING.get(event.trim()).copied()
}

/// The chapter of an event by name.
pub fn of(event: &str) -> Option<&'static str> {
    semantic(event).map(|(_, category)| category.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_known_in_both_spellings() {
        for (category, names) in NAMES {
            for name in names {
                assert_eq!(semantic(name), Some((*name, category)));
                let underscored = name.to_lowercase().replace(' ', "_");
                assert_eq!(semantic(&underscored), Some((*name, category)), "{underscored}");
                assert_eq!(semantic(&name.to_uppercase()), None, "the case counts");
            }
        }
        assert_eq!(of("  order_completed\n"), Some("ecommerce"));
        assert_eq!(of("email_marked_as_spam"), Some("email"));
        assert_eq!(of("Order completed"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn former_names_stand_for_their_successors() {
        for (former, name) in FORMER {
            assert_eq!(semantic(former), Some((name, Category::Ecommerce)));
            assert_eq!(semantic(&former.to_lowercase().replace(' ', "_")), Some((name, Category::Ecommerce)));
        }
    }
}
