//! Numbers as bytes whose order is the order of the numbers: exact, whatever the digits.
//!
//! A number is 0.d1d2d3... times ten to some power. Its bytes are the sign, the power, and two digits a byte; those of a
//! negative number are turned round. `5`, `5.0` and `50e-1` are the same bytes, and 19 digits stay 19 digits.

const NEGATIVE: u8 = 0;
const ZERO: u8 = 1;
const POSITIVE: u8 = 2;
/// Closes a negative number: of two that begin alike, the one with fewer digits is the greater.
const CLOSED: u8 = 0xff;

/// The bytes of a JSON number; none when the text is not one, or when its power of ten is beyond sixteen bits.
pub(super) fn ordered(text: &str) -> Option<Vec<u8>> {
    let parts = Parts::of(text)?;
    let mut digits: Vec<u8> = parts.whole.bytes().chain(parts.fraction.bytes()).map(|digit| digit - b'0').collect();
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    let used = digits.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
    digits.truncate(used);
    if digits.is_empty() {
        return Some(vec![ZERO]);
    }
    let point = i64::try_from(parts.whole.len()).ok()? - i64::try_from(zeros).ok()?;
    let power = i16::try_from(point.checked_add(parts.exponent)?).ok()?;
    let power = power.cast_unsigned() ^ 0x8000; // now it sorts as bytes
    let pairs = digits.chunks(2).map(|pair| match pair {
        [tens, ones] => tens * 10 + ones,
        [tens] => tens * 10,
        _ => 0,
    });
    let mut bytes = Vec::with_capacity(4 + digits.len() / 2);
    if parts.is_negative {
        bytes.push(NEGATIVE);
        bytes.extend((!power).to_be_bytes());
        bytes.extend(pairs.map(|pair| 99 - pair));
        bytes.push(CLOSED);
    } else {
        bytes.push(POSITIVE);
        bytes.extend(power.to_be_bytes());
        bytes.extend(pairs);
    }
    Some(bytes)
}

/// A number's text, taken apart by the grammar of RFC 8259.
struct Parts<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (text, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let leads_with_zero = whole.len() > 1 && whole.starts_with('0');
        if !is_digits(whole) || leads_with_zero || fraction.is_some_and(|fraction| !is_digits(fraction)) {
            return None;
        }
        let exponent = exponent.map_or(Some(0), |exponent| {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if is_digits(digits) { exponent.parse().ok() } else { None }
        })?;
        Some(Self { is_negative, whole, fraction: fraction.unwrap_or_default(), exponent })
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_spelling() {
        for same in [
            vec!["5", "5.0", "50e-1", "0.5E1", "5.000e+0"],
            vec!["0", "-0", "0.00", "0e99"],
            vec!["-120", "-1.2e2", "-120.0"],
            vec!["9007199254740993", "9007199254740993.0"],
        ] {
            let first = ordered(same[0]).unwrap();
            for text in same {
                assert_eq!(ordered(text).unwrap(), first, "{text}");
            }
        }
    }

    #[test]
    fn order_of_bytes_is_order_of_numbers() {
        let rising = [
            "-1e300",
            "-1000",
            "-999.99",
            "-12.0034",
            "-12",
            "-1.2",
            "-0.123",
            "-0.12",
            "-1e-300",
            "0",
            "1e-300",
            "0.12",
            "0.120034",
            "0.123",
            "1",
            "1.01",
            "9",
            "10",
            "10.5",
            "99",
            "100",
            "9007199254740992",
            "9007199254740993",
            "1e300",
        ];
        for pair in rising.windows(2) {
            assert!(ordered(pair[0]).unwrap() < ordered(pair[1]).unwrap(), "{} < {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn what_is_no_number_has_no_bytes() {
        for text in
            ["", "-", "+5", "05", "5.", ".5", "5e", "5e+", "1e40000", "1e99999999999999999999", "0x5", "٣", "NaN"]
        {
            assert!(ordered(text).is_none(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn integers_sort_as_integers(left: i64, right: i64) {
            let (a, b) = (ordered(&left.to_string()).unwrap(), ordered(&right.to_string()).unwrap());
            proptest::prop_assert_eq!(a.cmp(&b), left.cmp(&right));
        }

        #[test]
        fn fractions_sort_as_fractions(left in -1e12f64..1e12, right in -1e12f64..1e12) {
            let (a, b) = (ordered(&left.to_string()).unwrap(), ordered(&right.to_string()).unwrap());
            proptest::prop_assert_eq!(a.cmp(&b), left.partial_cmp(&right).unwrap());
        }
    }
}
