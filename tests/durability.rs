//! What was acknowledged survives: kills, power cuts, failing syncs, full disks, damaged bytes. Against the real program.
//!
//! Every test prints its seed; `ROUNDTOWER_SEED` repeats one. Longer runs: `ROUNDTOWER_CYCLES` (kills, 20 by default),
//! `ROUNDTOWER_ROUNDS` (power cuts, 3), `ROUNDTOWER_FLIPS` (damaged bytes, 40), `ROUNDTOWER_SYNCS` (failing syncs, 10; above 100
//! every one of them in turn); `ROUNDTOWER_SYNC` lets only this one fail; `ROUNDTOWER_RELAY_KILLS` (kills while calls are delivered,
//! 20; 200 is the full run).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::format_collect,
    reason = "a test that meets what it did not expect has to fail; the rest is brevity"
)]

mod support;

/// One file per way to lose what was acknowledged.
mod durability {
    mod chance;
    mod connection;
    mod damage;
    mod disk;
    mod duplicates;
    mod erase;
    mod kill;
    mod ledger;
    mod load;
    mod lock;
    mod power;
    mod program;
    mod queue;
    mod readers;
    mod relay;
    mod stop;
    mod sync;
    mod tell;
}
