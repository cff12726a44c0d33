//! Amounts of money as titles show them: `39.95 USD`.

use crate::views::fold_parts::{Members, is_number, string};

/// Currencies that are not divided, or not in practice.
const WHOLE: [&str; 16] =
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"];

/// The first of these properties that is an amount (a number, also in quotes), with the currency of the call.
pub(super) fn money(properties: &Members<'_>, keys: &[&str]) -> Option<String> {
    let amount = keys.iter().find_map(|key| amount(properties.get(*key)?.get()))?;
    let currency = properties.get("currency").and_then(|json| string(json.get()));
    let currency = currency
        .as_deref()
        .map(str::trim)
        .filter(|code| (2..=5).contains(&code.len()) && code.bytes().all(|letter| letter.is_ascii_alphanumeric()));
    let currency = currency.unwrap_or("USD").to_ascii_uppercase();
    Some(format!("{} {currency}", rounded(&amount, WHOLE.contains(&currency.as_str()))))
}

/// The text of a number, from a number or a string that is one.
fn amount(json: &str) -> Option<String> {
    let text = if is_number(json) { json.to_owned() } else { string(json)?.trim().to_owned() };
    let is_plain = text.starts_with(|first: char| first.is_ascii_digit() || "-+.".contains(first));
    let value: f64 = text.parse().ok()?;
    (is_plain && value.is_finite()).then_some(text)
}

/// Two digits after the point, unless the currency has none. Plain digits are kept as they are, whatever their number.
fn rounded(text: &str, whole: bool) -> String {
    let unsigned = text.trim_start_matches(['-', '+']);
    let (units, cents) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_digits = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
    if !is_digits(units) || !is_digits(cents) || cents.len() > 2 || units.is_empty() {
        let value: f64 = text.parse().unwrap_or_default();
        return if whole && value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    match (whole, cents.trim_end_matches('0')) {
        (true, "") => format!("{sign}{units}"),
        _ => format!("{sign}{units}.{cents:0<2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fold_parts::members;

    #[test]
    fn amounts_are_numbers_also_in_quotes() {
        for (properties, shown) in [
            (r#"{"total":39.95}"#, Some("39.95 USD")),
            (r#"{"total":"39.95","currency":"eur"}"#, Some("39.95 EUR")),
            (r#"{"total":" 39.9 "}"#, Some("39.90 USD")),
            (r#"{"total":39}"#, Some("39.00 USD")),
            (r#"{"total":5000,"currency":"JPY"}"#, Some("5000 JPY")),
            (r#"{"total":"5000.00","currency":"JPY"}"#, Some("5000 JPY")),
            (r#"{"total":90071992547409931234.5}"#, Some("90071992547409931234.50 USD")),
            (r#"{"total":1.23456}"#, Some("1.23 USD")),
            (r#"{"total":1.5e3}"#, Some("1500.00 USD")),
            (r#"{"total":-2.5}"#, Some("-2.50 USD")),
            (r#"{"total":".5"}"#, Some("0.50 USD")),
            (r#"{"total":0}"#, Some("0.00 USD")),
            (r#"{"total":"$39.95"}"#, None),
            (r#"{"total":"inf"}"#, None),
            (r#"{"total":"NaN"}"#, None),
            (r#"{"total":null,"revenue":3}"#, Some("3.00 USD")),
            (r#"{"value":4,"revenue":3}"#, Some("3.00 USD")),
            (r#"{"value":4,"currency":"<script>"}"#, Some("4.00 USD")),
            (r#"{"value":4,"currency":840}"#, Some("4.00 USD")),
            (r#"{"total":[1]}"#, None),
            ("{}", None),
        ] {
            let found = money(&members(properties), &["total", "revenue", "value"]);
            assert_eq!(found.as_deref(), shown, "{properties}");
        }
    }
}
