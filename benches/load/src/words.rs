//! The small vocabularies that names, pages and products are drawn from.

pub(crate) const UA: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
];
pub(crate) const LOCALE: &[&str] = &["en-US", "en-GB", "de-DE", "fr-FR", "es-ES", "pt-BR", "ja-JP", "nl-NL"];
pub(crate) const TZ: &[&str] = &[
    "America/New_York",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/Madrid",
    "America/Sao_Paulo",
    "Asia/Tokyo",
    "Europe/Amsterdam",
];
pub(crate) const EVENTS: &[&str] = &[
    "Product Viewed",
    "Product Added",
    "Product List Viewed",
    "Products Searched",
    "Cart Viewed",
    "Checkout Started",
    "Checkout Step Completed",
    "Order Completed",
    "Signed Up",
    "Signed In",
    "Trial Started",
    "Plan Upgraded",
    "Feature Used",
    "Report Exported",
    "Invite Sent",
    "Comment Created",
    "File Uploaded",
    "Video Playback Started",
    "Video Playback Completed",
    "Banner Clicked",
    "Form Submitted",
    "Notification Opened",
    "Search Filter Applied",
    "Error Shown",
];
pub(crate) const CATEGORY: &[&str] =
    &["Apparel", "Books", "Electronics", "Garden", "Grocery", "Home", "Outdoor", "Toys"];
pub(crate) const ADJ: &[&str] =
    &["Classic", "Compact", "Deluxe", "Eco", "Urban", "Vintage", "Modern", "Sleek", "Rugged", "Portable"];
pub(crate) const NOUN: &[&str] =
    &["Backpack", "Lamp", "Headphones", "Notebook", "Kettle", "Jacket", "Chair", "Speaker", "Bottle", "Keyboard"];
pub(crate) const PAGES: &[&str] =
    &["Home", "Pricing", "Docs", "Blog", "Product", "Cart", "Checkout", "Account", "Search", "Support"];
pub(crate) const FIRST: &[&str] = &[
    "Ada", "Ben", "Chloe", "Diego", "Emma", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam", "Mona", "Nils",
    "Olga", "Priya",
];
pub(crate) const LAST: &[&str] = &[
    "Almeida", "Brown", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanov", "Jensen", "Kim",
    "Lopez", "Meyer", "Novak", "Okafor", "Petrov",
];
pub(crate) const CITY: &[&str] =
    &["Amsterdam", "Berlin", "Chicago", "Denver", "Lisbon", "London", "Madrid", "Osaka", "Paris", "Porto"];
pub(crate) const INDUSTRY: &[&str] = &[
    "Agriculture",
    "Banking",
    "Education",
    "Energy",
    "Healthcare",
    "Logistics",
    "Media",
    "Retail",
    "Software",
    "Travel",
];
pub(crate) const PLAN: &[&str] = &["free", "starter", "team", "business", "enterprise"];
pub(crate) const SOURCE: &[&str] = &["google", "newsletter", "linkedin", "partner", "reddit"];
pub(crate) const REFERRER: &[&str] = &[
    "",
    "https://www.google.com/",
    "https://duckduckgo.com/",
    "https://news.ycombinator.com/",
    "https://www.linkedin.com/",
];
