//! Repeatable cases: the seed is printed and can be given.

use std::fmt::Debug;
use std::time::SystemTime;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Checks a rule on many random cases; a failing one is made as short as possible before it is shown.
pub(super) fn prove<T: Debug>(test: &str, cases: &impl Strategy<Value = T>, rule: impl Fn(T)) {
    let seed = number("ROUNDTOWER_SEED").unwrap_or_else(fresh);
    println!("{test}: ROUNDTOWER_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let count = number("ROUNDTOWER_CASES").map_or(1_000, |count| u32::try_from(count).unwrap());
    let config = Config { cases: count, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let outcome = runner.run(cases, |case| {
        rule(case);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{test}: ROUNDTOWER_SEED={seed}: {failure}");
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} has to be a number, not {text}")))
}

#[expect(clippy::disallowed_methods, reason = "a seed is the one thing that should differ from run to run")]
fn fresh() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::from(since.subsec_nanos()) ^ since.as_secs() << 20 & 0xFFFF_FFFF
}
