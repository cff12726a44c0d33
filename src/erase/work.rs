//! Carrying out orders: every step can be cut anywhere and done again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::book::Running;
use super::fates::Fates;
use super::target::keys_at;
use super::{EraseError, Inner};
use crate::journal::{Reader as _, Sequence};

/// How long the views may need to fold an order, once nothing else is left to do.
const VIEWS_LIMIT: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(10);

impl Inner {
    /// Carries out all open orders together. Returns whether there were any.
    pub(super) fn work(&self) -> Result<bool, EraseError> {
        let open = self.book().running().to_vec();
        if open.is_empty() {
            return Ok(false);
        }
        for one in &open {
            self.complete(one)?;
        }
        let open: Vec<Running> = {
            let book = self.book();
            book.running().iter().filter(|one| open.iter().any(|before| before.id == one.id)).cloned().collect()
        };
        let calls = self.rewrite(&open)?;
        self.check()?;
        self.parts.views.renew(&|| self.goes_on())?;
        let done: Vec<_> = open.iter().map(|one| (one.id.clone(), calls.get(&one.id).copied().unwrap_or(0))).collect();
        self.book().done(&done, self.parts.clock.now())?;
        self.hide();
        for (erasure, calls) in &done {
            tracing::info!(erasure, calls, "somebody was erased");
        }
        Ok(true)
    }

    fn check(&self) -> Result<(), EraseError> {
        if self.goes_on() { Ok(()) } else { Err(EraseError::Closing) }
    }

    /// Enters an order into the journal if that was not done, and finds all ids that the person had then.
    fn complete(&self, one: &Running) -> Result<(), EraseError> {
        if one.is_whole {
            return Ok(());
        }
        let sequence = match one.sequence() {
            Some(sequence) => sequence,
            None => self.enter(&one.id, one.suppress)?,
        };
        self.folded(sequence)?;
        let person = one.person();
        let keys = self
            .parts
            .views
            .read(|snapshot| person.map(|person| keys_at(snapshot, &person, sequence.plus(1))).unwrap_or_default());
        let mut book = self.book();
        book.change(&one.id, |running| {
            running.add(keys);
            running.is_whole = true;
        })?;
        book.publish(&self.suppressed);
        drop(book);
        self.hide();
        Ok(())
    }

    /// Waits until the views know the order.
    fn folded(&self, sequence: Sequence) -> Result<(), EraseError> {
        let (mut until, mut before) = (Instant::now() + VIEWS_LIMIT, self.parts.views.through());
        while self.parts.views.through() <= sequence {
            self.check()?;
            let now = self.parts.views.through();
            if now > before {
                (until, before) = (Instant::now() + VIEWS_LIMIT, now);
            }
            if Instant::now() > until {
                return Err(EraseError::Behind);
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// The journal, then what the relay keeps of it. Returns how many calls each erasure has erased.
    fn rewrite(&self, open: &[Running]) -> Result<BTreeMap<String, u64>, EraseError> {
        let fates = Fates::new(open, self.parts.journal.tail().next());
        let before = self.parts.journal.erased_volumes();
        let erased = self.parts.journal.erase(fates.end, &|record| fates.of(record), &|| self.goes_on());
        let touched = match &erased {
            Ok(erased) => erased.touched.as_slice(),
            // Workers that hold a call which is gone wait until they are opened anew.
            Err(_) => &[],
        };
        if self.goes_on() && (erased.is_ok() || self.parts.journal.erased_volumes() > before) {
            self.parts.relay.erase(touched)?;
        }
        Ok(erased?.calls)
    }
}
