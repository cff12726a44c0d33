//! Opening views: from their folder, or anew when it cannot be read; and which of several folders counts.
//!
//! Views that are made anew beside older ones ([`super::renewing`]) lie in a folder of their own inside that of the views,
//! named by a number, and the file `generation` says which one counts. Without it the folder itself does.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::{Notify, watch};

use super::cards::Cards;
use super::checkpoint;
use super::feeder::Feeder;
use super::handle::ViewsError;
use super::identity::NodeNo;
use super::projector;
use super::rules::Join;
use super::runs::{self, Runs};
use super::search::Search;
use super::settings::Settings;
use super::shared::{Hidden, Shared};
use super::world::World;
use crate::journal::{Reader, Sequence, files};
use crate::store::Engine;

/// The file that says which folder counts.
const GENERATION: &str = "generation";

/// What views are opened from.
#[derive(Clone)]
pub(super) struct Origin {
    /// The folder of all generations.
    pub(super) dir: PathBuf,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) reader: Arc<dyn Reader>,
    pub(super) settings: Settings,
}

/// Views with their threads.
pub(super) struct Running {
    pub(super) shared: Arc<Shared>,
    pub(super) threads: Vec<JoinHandle<()>>,
}

/// Removes everything of the views.
///
/// # Errors
/// When the folder cannot be emptied.
pub fn wipe(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Origin {
    /// Which generation counts. A file that says nothing is that of views that cannot be read: those are made anew.
    pub(super) fn generation(&self) -> u64 {
        let text = std::fs::read_to_string(self.dir.join(GENERATION)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// Lets another generation count, durably.
    pub(super) fn set_generation(&self, number: u64) -> std::io::Result<()> {
        files::replace(&self.dir.join(GENERATION), number.to_string().as_bytes())
    }

    /// Where a generation lies.
    pub(super) fn place(&self, number: u64) -> PathBuf {
        if number == 0 { self.dir.clone() } else { self.dir.join(format!("g{number}")) }
    }

    /// Removes all generations but this one.
    pub(super) fn remove_others(&self, number: u64) -> std::io::Result<()> {
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return Ok(()) };
        let (own, mut is_changed) = (self.place(number), false);
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_numbered = name.strip_prefix('g').is_some_and(|rest| rest.parse::<u64>().is_ok());
            let is_first = number > 0 && matches!(name, "runs" | "cards" | "search");
            if (is_numbered || is_first) && path != own {
                wipe(&path)?;
                is_changed = true;
            }
        }
        if is_changed { files::sync_dir(&self.dir) } else { Ok(()) }
    }

    /// Opens a generation and starts to follow the journal. What cannot be read is thrown away and made anew.
    pub(super) fn start(&self, number: u64, hidden: &Arc<Hidden>) -> Result<Running, ViewsError> {
        let dir = self.place(number);
        let unusable = |detail: String| ViewsError::Unusable { path: dir.display().to_string(), detail };
        let (engine, settings) = (&self.engine, &self.settings);
        let opened = match Opened::open(&dir, engine, self.reader.as_ref(), settings) {
            Ok(opened) => opened,
            Err(reason) => {
                tracing::warn!(reason, "the views cannot be read; they are made anew from the journal");
                wipe(&dir).map_err(|error| unusable(error.to_string()))?;
                if number == 0 {
                    // The file that says which one counts is gone as well, and says the same by that.
                    files::make_dir(&self.dir).map_err(|error| unusable(error.to_string()))?;
                }
                Opened::open(&dir, engine, self.reader.as_ref(), settings).map_err(unusable)?
            }
        };
        let Opened { world, runs, cards, cards_next, search } = opened;
        let (through, _) = watch::channel(world.next.get());
        let shared = Arc::new(Shared {
            generation: number,
            world: RwLock::new(world),
            runs,
            cards,
            feeder: Feeder::new(search.through()),
            search,
            reader: Arc::clone(&self.reader),
            settings: settings.clone(),
            closing: AtomicBool::new(false),
            through,
            level_at: Mutex::new(Instant::now()),
            stopped: Mutex::new(None),
            crashed: AtomicBool::new(false),
            holds: AtomicUsize::new(0),
            hidden: Arc::clone(hidden),
            woken: Notify::new(),
        });
        let threads = if settings.enabled {
            projector::start(&shared, cards_next).map_err(|error| unusable(error.to_string()))?
        } else {
            tracing::info!("the views are switched off");
            shared.switch_off();
            Vec::new()
        };
        Ok(Running { shared, threads })
    }
}

/// What is there before the threads start.
struct Opened {
    world: World,
    runs: Runs,
    cards: Cards,
    cards_next: Sequence,
    search: Search,
}

impl Opened {
    /// Opens what is there.
    fn open(dir: &Path, engine: &Arc<dyn Engine>, reader: &dyn Reader, settings: &Settings) -> Result<Self, String> {
        std::fs::create_dir_all(dir).map_err(|error| error.to_string())?;
        let run_settings = runs::Settings { cache_bytes: settings.cache_bytes, ..runs::Settings::default() };
        let runs = Runs::open(&dir.join("runs"), Arc::clone(engine), Arc::new(Join), run_settings)
            .map_err(|error| error.to_string())?;
        let mut world = checkpoint::load(&runs).map_err(|error| error.to_string())?;
        if world.next > reader.tail().next() {
            return Err(format!("they are ahead of the journal, at {}", world.next));
        }
        let (cards, cards_next) =
            Cards::open(&dir.join("cards"), Arc::clone(engine)).map_err(|error| error.to_string())?;
        let (search, searched) =
            Search::open(&dir.join("search"), settings.search_memory_bytes).map_err(|error| error.to_string())?;
        if searched.is_none() {
            world.stale = (0..world.graph.len()).filter(|node| world.graph.is_root(NodeNo(*node))).collect();
        }
        Ok(Self { world, runs, cards, cards_next, search })
    }
}
