//! Erasing in the relay: what receivers answered about calls that were erased.
//!
//! The ledger is closed, written again beside itself without those answers, and opened anew; the workers stop for that time,
//! and what was under way is sent again where its answer did not come in time. Whether a call was delivered stays: it is
//! part of the accounts. What was pending is found to be erased when the journal is read again, and is filtered.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::client::Transport;
use super::error::RelayError;
use super::handle::Relay;
use super::ledger::Ledger;
use super::settings::Destination;
use crate::journal::Sequence;

impl Relay {
    /// Removes what was answered about these records (in order) from every file, of destinations that the configuration
    /// does not name any more as well, and lets go of everything read from the journal before. Blocks.
    ///
    /// # Errors
    /// When the ledger cannot be read or written: nothing of it is changed then.
    pub fn erase(&self, touched: &[Sequence]) -> Result<(), RelayError> {
        let slot = &self.slot;
        let ledger_error = |error| RelayError::Ledger { path: slot.origin.dir.display().to_string(), error };
        // Held, so that a relay that is being closed is not started again.
        let transports = slot.transports.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner().close();
        let is_touched = |sequence: u64| touched.binary_search(&Sequence::new(sequence)).is_ok();
        let erase = || Ledger::erase(&slot.origin.dir, &slot.origin.engine, &is_touched).map_err(ledger_error);
        let written = if touched.is_empty() { Ok(()) } else { erase() };
        // Whether that went well or not: the relay goes on.
        let fresh = slot.origin.open()?;
        if let Some(transports) = transports.as_ref() {
            fresh.start(&|to| known(transports, to))?;
        }
        slot.inner.store(Arc::new(fresh));
        written
    }
}

fn known(transports: &HashMap<String, Arc<dyn Transport>>, to: &Destination) -> Result<Arc<dyn Transport>, String> {
    transports.get(&to.name).cloned().ok_or_else(|| "it was not connected at the start".to_owned())
}
