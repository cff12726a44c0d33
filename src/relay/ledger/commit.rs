//! The committing thread: one for all destinations.

use std::sync::Arc;
use std::thread::JoinHandle;

use super::history;
use super::shared::{Shared, Work, lock};
use crate::store::StoreError;

/// Starts the thread.
pub(super) fn start(shared: Arc<Shared>) -> Result<JoinHandle<()>, StoreError> {
    let spawned = std::thread::Builder::new().name("relay-ledger".to_owned()).spawn(move || {
        let run = std::panic::AssertUnwindSafe(|| run(&shared));
        if std::panic::catch_unwind(run).is_err() {
            shared.fail(&StoreError::Failed("the thread that writes the relay's ledger ended by a bug".to_owned()));
        }
        shared.ended();
    });
    spawned.map_err(|error| StoreError::Failed(format!("cannot start a thread: {error}")))
}

fn run(shared: &Shared) {
    let mut retry = false;
    loop {
        let work = shared.wait_for_work(retry);
        if work == Work::Halt || shared.has_failed() {
            break;
        }
        let mut written = commit(shared, false);
        if work == Work::Close && written.is_ok() {
            written = commit(shared, true);
        }
        match written {
            Ok(()) => {
                shared.recovered();
                retry = false;
            }
            Err(error) => retry = shared.refuse(&error),
        }
        if work == Work::Close {
            close(shared, retry);
            break;
        }
    }
}

/// Writes what is still owed from before, then what was entered since.
fn commit(shared: &Shared, with_tables: bool) -> Result<(), StoreError> {
    let mut writer = lock(&shared.writer);
    if writer.is_behind() {
        writer.write(shared)?;
    }
    writer.take(shared, with_tables);
    writer.write(shared)
}

fn close(shared: &Shared, behind: bool) {
    let mut writer = lock(&shared.writer);
    if behind || writer.is_behind() || shared.has_failed() {
        tracing::error!("the relay's ledger was closed before everything was written; what was not is sent again");
        writer.log = None;
    } else {
        writer.drop_log();
    }
    history::rest_all(&lock(&shared.archive).folders);
}
