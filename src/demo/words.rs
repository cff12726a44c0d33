//! The words that the demo is made of. Everything is invented: names are those of things around a teapot, and every
//! domain is one that is kept for examples.

/// The shop, and the app that it sells to cafés.
pub(super) const SHOP: &str = "https://quillwick.example";
pub(super) const DESK: &str = "https://desk.quillwick.example";

/// Given names and family names of one script.
pub(super) struct Names {
    pub(super) given: &'static [&'static str],
    pub(super) family: &'static [&'static str],
    /// How many of a hundred people have such a name.
    pub(super) share: u32,
}

pub(super) const NAMES: &[Names] = &[
    Names {
        given: &[
            "Ada", "Basil", "Cleo", "Dario", "Edda", "Finn", "Greta", "Hugo", "Ines", "Juno", "Kasper", "Lotte",
            "Milo", "Nora", "Otis", "Petra", "Quentin", "Rosa", "Silas", "Tilda", "Umberto", "Vera", "Wanda", "Yara",
            "Zeno",
        ],
        family: &[
            "Kilnwood",
            "Teafold",
            "Saucerby",
            "Glazewright",
            "Steepleton",
            "Clayborough",
            "Oolongford",
            "Sencharoth",
            "Mugglesworth-Kettle",
            "Brewhart",
            "Slipware",
            "Potterfield",
            "Infusov",
            "Lidström-Cup",
            "O'Teapot",
        ],
        share: 72,
    },
    Names {
        given: &["Мира", "Лев", "Соня", "Тимур"],
        family: &["Самоварова-Чашка", "Блюдечкин", "Заварник"],
        share: 5,
    },
    Names {
        given: &["Νίκη", "Ορέστης", "Δάφνη"], family: &["Τσαγιέρα", "Φλιτζανίδης"], share: 3
    },
    Names { given: &["ليلى", "سامر", "نور"], family: &["إبريق", "أبو فنجان"], share: 5 },
    Names { given: &["נועה", "איתי", "תמר"], family: &["קומקום", "ספלון"], share: 3 },
    Names {
        given: &["आशा", "रोहन"], family: &["चायवाली", "प्यालीकर"], share: 3
    },
    Names { given: &["はな", "そら"], family: &["急須", "湯呑田"], share: 3 },
    Names { given: &["小雨", "明月"], family: &["茶壶", "瓷"], share: 3 },
    Names { given: &["하늘", "보라"], family: &["찻잔", "다관"], share: 2 },
    Names { given: &["Robin 🍵", "Sky 🌿"], family: &["Teaspoon", "🫖"], share: 1 },
];

pub(super) const MAIL_DOMAINS: &[&str] = &["mail.example", "example.com", "post.test", "example.org"];

/// A city as in traits: name, country, time zone, language.
pub(super) const CITIES: &[(&str, &str, &str, &str)] = &[
    ("Kettlehaven", "GB", "Europe/London", "en-GB"),
    ("Tassenburg", "DE", "Europe/Berlin", "de-DE"),
    ("Théville", "FR", "Europe/Paris", "fr-FR"),
    ("Puerto Tetera", "ES", "Europe/Madrid", "es-ES"),
    ("Mugport", "US", "America/New_York", "en-US"),
    ("Saucer Falls", "US", "America/Chicago", "en-US"),
    ("Chashka", "KZ", "Asia/Almaty", "ru-KZ"),
    ("Yunomi", "JP", "Asia/Tokyo", "ja-JP"),
    ("Ibriq", "JO", "Asia/Amman", "ar-JO"),
];

/// A product: id, name, category, price in cents.
pub(super) const PRODUCTS: &[(&str, &str, &str, u32)] = &[
    ("tea-001", "Moonlit Oolong 100 g", "Tea", 1_450),
    ("tea-002", "Smoky Lantern 100 g", "Tea", 1_190),
    ("tea-003", "First Frost Sencha 80 g", "Tea", 1_690),
    ("tea-004", "Apple Attic 100 g", "Tea", 890),
    ("tea-005", "Hillside Assortment", "Tea", 2_900),
    ("tea-006", "Night Ferry Rooibos 150 g", "Tea", 1_050),
    ("pot-001", "Heron Teapot 0.8 l", "Teapots", 6_400),
    ("pot-002", "Pebble Teapot 0.4 l", "Teapots", 4_800),
    ("pot-003", "Long Winter Teapot 1.2 l", "Teapots", 8_900),
    ("cup-001", "Dune Cup", "Cups", 1_800),
    ("cup-002", "Tide Bowl", "Cups", 2_200),
    ("cup-003", "Thimble Cups, Set of Four", "Cups", 5_200),
    ("cup-004", "Ash Glaze Mug", "Cups", 2_450),
    ("acc-001", "Bamboo Whisk", "Accessories", 1_350),
    ("acc-002", "Copper Scoop", "Accessories", 990),
    ("acc-003", "Travel Caddy", "Accessories", 3_300),
];

pub(super) const SEARCHES: &[&str] = &["teapot", "gift", "oolong", "mug blue", "set of four", "decaf", "wedding list"];
pub(super) const VIDEOS: &[(&str, &str, u32)] = &[
    ("vid-1", "How a Teapot Is Thrown", 95),
    ("vid-2", "Three Minutes, Eighty Degrees", 70),
    ("vid-3", "A Walk through the Kiln", 140),
];
/// Campaigns: name, source, medium.
pub(super) const CAMPAIGNS: &[(&str, &str, &str)] = &[
    ("autumn-steep", "newsletter", "email"),
    ("clay-days", "harbour-magazine.example", "cpc"),
    ("first-cup", "friends", "referral"),
];

/// Parts of the names of companies.
pub(super) const COMPANY_FIRST: &[&str] =
    &["Copper", "Harbour", "Willow", "Lantern", "Pebble", "Juniper", "Saffron", "Foxglove", "Tidewater", "Marble"];
pub(super) const COMPANY_LAST: &[&str] = &["Cafés", "Tearooms", "Hotels", "Bakery", "Kitchens", "Gallery", "Trading"];
pub(super) const INDUSTRIES: &[&str] = &["Hospitality", "Retail", "Food", "Events", "Wholesale"];
pub(super) const ROLES: &[&str] = &["Owner", "Buyer", "Barista", "Accountant", "Floor Lead"];
pub(super) const PLANS: &[&str] = &["free", "pro", "team"];
pub(super) const FEATURES: &[(&str, &str)] = &[
    ("Stock Count", "/stock"),
    ("Reorder Rules", "/reorder"),
    ("Supplier Notes", "/suppliers"),
    ("Shift Plan", "/shifts"),
    ("Margin Report", "/reports/margin"),
    ("Label Printer", "/labels"),
];
