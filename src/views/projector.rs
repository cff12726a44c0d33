//! The projector: follows the tail of the journal, folds what is new, and writes checkpoints.
//!
//! One thread folds, one writes runs, one feeds the search index. What a crash loses is folded again from the last
//! checkpoint, with the same result. A journal that cannot be read stops the views with a reason; ingest goes on.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::card::Card;
use super::cards::CardsError;
use super::checkpoint::Cut;
use super::fold::Reading;
use super::runs::{Checkpoint, RunsError};
use super::shared::Shared;
use crate::journal::{ReadError, Record, Sequence, Slice, Tail, lower_priority};

/// What is read from the journal at once, in bytes.
const SLICE_BYTES: usize = 512 * 1024;
/// Records folded while readers wait: a few milliseconds.
const FOLD_RECORDS: usize = 256;
/// How long the projector waits for the tail before it looks after its checkpoint.
const WAIT: Duration = Duration::from_secs(1);
/// How far the views stand back behind ingest when there is not enough of the processor for both, as a nice value: senders
/// are answered first, and the views catch up.
const PRIORITY: i32 = 5;
/// How often it looks whether it may go on, while somebody holds the views or the disk fails.
const PAUSE: Duration = Duration::from_millis(5);
/// How long it waits after the disk failed.
const RETRY: Duration = Duration::from_secs(5);

/// Starts the threads of the views.
pub(super) fn start(shared: &Arc<Shared>, cards_next: Sequence) -> std::io::Result<Vec<JoinHandle<()>>> {
    let (cuts, queue) = mpsc::sync_channel(0);
    // A thread that is gone leaves its work undone for ever: that has to be seen.
    let spawn = |name: &'static str, work: Box<dyn FnOnce() + Send>| {
        let watched = Arc::clone(shared);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            if std::panic::catch_unwind(AssertUnwindSafe(work)).is_err() {
                watched.stop(&format!("the thread \"{name}\" panicked; start again"));
            }
        })
    };
    let (folding, writing, feeding) = (Arc::clone(shared), Arc::clone(shared), Arc::clone(shared));
    Ok(vec![
        spawn(
            "fold",
            Box::new(move || Projector { shared: folding, ahead: None, cuts, cut_at: Instant::now() }.run(cards_next)),
        )?,
        spawn("checkpoint", Box::new(move || write(&writing, &queue)))?,
        spawn("search", Box::new(move || super::feeder::run(&feeding)))?,
    ])
}

/// Why folding stands still.
#[derive(Debug, thiserror::Error)]
enum Halt {
    #[error(transparent)]
    Journal(#[from] ReadError),
    #[error(transparent)]
    Cards(#[from] CardsError),
    #[error("putting cards panicked")]
    Panicked,
}

/// The thread that folds.
struct Projector {
    shared: Arc<Shared>,
    /// A slice whose cards are put already, and where it begins.
    ahead: Option<(Sequence, Slice)>,
    cuts: mpsc::SyncSender<Cut>,
    cut_at: Instant,
}

impl Projector {
    fn run(mut self, cards_next: Sequence) {
        lower_priority(PRIORITY);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let Ok(runtime) = runtime else { return self.shared.stop("no timer for the projector") };
        let mut tail = self.shared.reader.tail();
        if let Err(error) = self.refill_cards(cards_next) {
            self.shared.stop(&error.to_string());
        }
        while !self.shared.closing.load(Ordering::Acquire) {
            if self.is_held() {
                self.cut_if_due();
                std::thread::sleep(PAUSE);
                continue;
            }
            let next = self.shared.world().next;
            if next >= tail.next() {
                self.shared.level();
                self.cut_if_due();
                runtime.block_on(wait(&mut tail, next, &self.shared.woken));
                continue;
            }
            match self.advance(next) {
                Ok(()) => self.cut_if_due(),
                Err(error) => {
                    self.shared.stop(&error.to_string());
                    std::thread::sleep(RETRY.min(WAIT));
                }
            }
        }
        if !self.shared.crashed.load(Ordering::Acquire) {
            self.cut();
        }
    }

    fn is_held(&self) -> bool {
        self.shared.holds.load(Ordering::Acquire) > 0
    }

    /// Folds one slice. The cards of the slice after it are put meanwhile: they have to be there before anybody can see
    /// their calls in a list.
    fn advance(&mut self, next: Sequence) -> Result<(), Halt> {
        let slice = match self.ahead.take() {
            Some((from, slice)) if from == next => slice,
            _ => {
                let slice = self.shared.reader.read(next, SLICE_BYTES)?;
                self.put_cards(&slice)?;
                slice
            }
        };
        let records: Vec<_> = slice.records().collect::<Result<_, _>>()?;
        let after = if slice.next < self.shared.reader.tail().next() {
            Some(self.shared.reader.read(slice.next, SLICE_BYTES)?)
        } else {
            None
        };
        let put = std::thread::scope(|scope| {
            let putting = after.as_ref().map(|after| scope.spawn(|| self.put_cards(after)));
            self.fold(&records);
            putting.map_or(Ok(()), |putting| putting.join().unwrap_or(Err(Halt::Panicked)))
        });
        drop(records);
        put?;
        self.ahead = after.map(|after| (slice.next, after));
        self.shared.go_on();
        Ok(())
    }

    fn fold(&self, records: &[Record<'_>]) {
        let shared = &self.shared;
        let some = shared.settings.slice_records.unwrap_or(FOLD_RECORDS).clamp(1, FOLD_RECORDS);
        for records in records.chunks(some) {
            let readings: Vec<_> = records.iter().map(|record| (record.sequence, look(record))).collect();
            let mut world = shared.world_mut();
            for (sequence, reading) in &readings {
                match reading {
                    Ok(reading) => world.fold(reading),
                    Err(reason) => {
                        tracing::warn!(%sequence, reason, "a record cannot be folded; it is parked");
                        world.park(*sequence, reason.clone());
                    }
                }
            }
            let next = world.next;
            drop(world);
            shared.reached(next);
            if shared.closing.load(Ordering::Acquire) {
                break;
            }
        }
    }

    fn put_cards(&self, slice: &Slice) -> Result<(), Halt> {
        slice.records().try_for_each(|record| {
            let record = record?;
            if record.is_erased() { Ok(()) } else { Ok(self.shared.cards.put(&Card::from_record(&record))?) }
        })
    }

    /// Puts the cards again that a crash took while the views had them counted already.
    fn refill_cards(&self, from: Sequence) -> Result<(), Halt> {
        let (mut at, end) = (from.max(self.shared.reader.first()), self.shared.world().next);
        while at < end && !self.shared.closing.load(Ordering::Acquire) {
            let slice = self.shared.reader.read(at, SLICE_BYTES)?;
            if slice.is_empty() {
                break;
            }
            self.put_cards(&slice)?;
            at = slice.next;
        }
        Ok(())
    }

    fn cut_if_due(&mut self) {
        let world = self.shared.world();
        let bytes = world.fresh.bytes;
        let changed = world.next > self.shared.runs.checkpoint().next;
        let busy = world.frozen.is_some();
        drop(world);
        let settings = &self.shared.settings;
        let late = self.cut_at.elapsed() >= Duration::from_secs(settings.checkpoint_s);
        // While one cut is written the next one may grow to the same size; then folding waits.
        if bytes >= settings.memory_bytes || changed && !busy && (late || self.is_held()) {
            self.cut();
        }
    }

    /// Moves what changed aside and has it written.
    fn cut(&mut self) {
        self.cut_at = Instant::now();
        // The queue holds nothing: sending waits until the writer is done with the former cut.
        let Ok(()) = self.wait_for_writer() else { return };
        let mut world = self.shared.world_mut();
        if world.next <= self.shared.runs.checkpoint().next {
            return;
        }
        let cut = world.cut();
        drop(world);
        let _ = self.cuts.send(cut);
    }

    fn wait_for_writer(&self) -> Result<(), ()> {
        while self.shared.world().frozen.is_some() {
            if self.shared.stopped().is_some() && self.shared.closing.load(Ordering::Acquire) {
                return Err(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

async fn wait(tail: &mut Tail, next: Sequence, woken: &Notify) {
    tokio::select! {
        _ = tokio::time::timeout(WAIT, tail.passed(next)) => {}
        () = woken.notified() => {}
    }
}

/// Looks at a record; a bug that shows only with one record parks that record.
fn look<'a>(record: &'a Record<'a>) -> Result<Reading<'a>, String> {
    let looked = std::panic::catch_unwind(AssertUnwindSafe(|| Reading::of(record)));
    looked.unwrap_or_else(|_| Err("looking at it panicked".to_owned()))
}

/// The thread that writes checkpoints.
fn write(shared: &Shared, cuts: &mpsc::Receiver<Cut>) {
    lower_priority(PRIORITY);
    for cut in cuts {
        let (checkpoint, entries) = cut.entries();
        loop {
            match commit(shared, &checkpoint, &entries) {
                Ok(()) => break,
                Err(error) => shared.stop(&format!("a checkpoint cannot be written: {error}")),
            }
            if shared.closing.load(Ordering::Acquire) {
                return;
            }
            let again = Instant::now() + RETRY;
            while Instant::now() < again && !shared.closing.load(Ordering::Acquire) {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

fn commit(shared: &Shared, checkpoint: &Checkpoint, entries: &[(Vec<u8>, Vec<u8>)]) -> Result<(), RunsError> {
    shared.cards.flush().map_err(|error| RunsError::Failed(error.to_string()))?;
    let prepared = shared.runs.prepare(checkpoint, &mut entries.iter().cloned())?;
    // Readers must never see the run beside what it was made from.
    let mut world = shared.world_mut();
    shared.runs.publish(prepared)?;
    world.frozen = None;
    Ok(())
}
