//! Whether the sender wants this server to have a message: its `integrations`.

use super::wire::{members, unescape};

/// Whether `integrations` (a checked object) exclude `destination`.
///
/// The named key beats `All`. Only booleans decide; null counts as absent and anything else means yes. Names are
/// case-sensitive, but for `All`.
pub(super) fn excludes(integrations: &str, destination: &str) -> bool {
    if integrations == "{}" {
        return false;
    }
    let (mut named, mut all) = (None, None);
    for (raw_key, value) in members(integrations) {
        let Some(key) = unescape(raw_key) else { continue };
        if key == destination {
            named = (value != "null").then_some(value);
        } else if key.eq_ignore_ascii_case("all") {
            all = Some(value);
        }
    }
    named.or(all) == Some("false")
}

#[cfg(test)]
mod tests {
    use super::excludes;

    #[test]
    fn follows_the_table_of_the_protocol() {
        for (integrations, excluded) in [
            ("{}", false),
            (r#"{"All":true}"#, false),
            (r#"{"Windsor":false}"#, true),
            (r#"{"All":false}"#, true),
            (r#"{"All":false,"Windsor":true}"#, false),
            (r#"{"Windsor":true,"All":false}"#, false),
            (r#"{"All":false,"Windsor":{"x":1}}"#, false),
            (r#"{"Windsor":{}}"#, false),
            (r#"{"All":true,"Windsor":false}"#, true),
            (r#"{"windsor":false}"#, false),
            (r#"{"WINDSOR":false}"#, false),
            (r#"{"all":false}"#, true),
            (r#"{"Segment.io":false}"#, false),
            (r#"{"Windsor":"false"}"#, false),
            (r#"{"Windsor":0}"#, false),
            (r#"{"Windsor":null}"#, false),
            (r#"{"All":false,"Windsor":null}"#, true),
            (r#"{"\u0057indsor":false}"#, true),
        ] {
            assert_eq!(excludes(integrations, "Windsor"), excluded, "{integrations}");
        }
    }
}
