//! The folder of a demo: a temporary one that goes with it, or one that somebody wants to keep.
//!
//! `demo.toml` in it says that it is a demo's, and from which seed and moment its story follows, so that a demo that is
//! started again goes on. A temporary folder that a kill left behind is removed by the next demo.

use std::collections::BTreeMap;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::access::Access;
use crate::access::file::write_private;
use crate::access::secret;
use crate::access::token::Scope;
use crate::app::folder::Folder;
use crate::call::secret::Secret;
use crate::call::time::Time;
use crate::cli::output::Failure;
use crate::clock::Clock;
use crate::config::Config;
use crate::demo::Source;
use crate::ingest::source::{Kind, Merges};

const MARK: &str = "demo.toml";
const PREFIX: &str = "roundtower-demo-";
const SEED: u64 = 1;

/// The folder, and what its story follows from.
#[derive(Debug)]
pub(super) struct House {
    path: PathBuf,
    is_temporary: bool,
    pub(super) seed: u64,
    pub(super) began: Time,
}

/// The secrets of one run.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) sources: BTreeMap<Source, Secret>,
    pub(super) admin: Secret,
    pub(super) viewer: Secret,
}

#[derive(Deserialize)]
struct Mark {
    seed: String,
    began: String,
}

impl House {
    /// Takes this folder, or makes a temporary one.
    ///
    /// # Errors
    /// When it is in use for something else, or by a demo of another seed.
    pub(super) fn open(wanted: Option<&Path>, seed: Option<u64>) -> Result<Self, Failure> {
        let now = Clock::System.now();
        let Some(path) = wanted else {
            let base = std::env::temp_dir();
            sweep(&base);
            let random = secret::generate();
            let name = format!("{PREFIX}{}-{}", std::process::id(), random.expose().get(..8).unwrap_or_default());
            let house = Self { path: base.join(name), is_temporary: true, seed: seed.unwrap_or(SEED), began: now };
            // Not recursive: a folder that somebody else made meanwhile is not ours.
            std::fs::DirBuilder::new().mode(0o700).create(&house.path).map_err(|error| house.fail(&error))?;
            house.mark()?;
            return Ok(house);
        };
        let mut house = Self { path: path.to_owned(), is_temporary: false, seed: seed.unwrap_or(SEED), began: now };
        if let Some((kept, began)) = house.marked()? {
            if seed.is_some_and(|seed| seed != kept) {
                return Err(Failure::Usage(format!("{} is a demo of seed {kept}; leave --seed out", path.display())));
            }
            (house.seed, house.began) = (kept, began);
            return Ok(house);
        }
        let is_empty = match std::fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) => return Err(house.fail(&error)),
        };
        if !is_empty {
            return Err(Failure::Usage(format!(
                "{} is not empty and is no demo's; name a new folder with --data, or leave it out",
                path.display()
            )));
        }
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| house.fail(&error))?;
        house.mark()?;
        Ok(house)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it goes with the demo.
    pub(super) const fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// Makes the sources and tokens, with new secrets each time.
    ///
    /// # Errors
    /// When a server holds the folder, or the disk does not take them.
    pub(super) fn keys(&self, config: &Config) -> Result<Keys, Failure> {
        let folder = Folder::open(&self.path)?;
        let access = Access::open(folder.path(), config, None)?;
        let (sources, tokens) = (access.list_sources(), access.list_tokens());
        let mut keys = BTreeMap::new();
        for source in Source::ALL {
            let name = source.name();
            let (kind, merges) =
                if source.is_public() { (Kind::Browser, Merges::Anonymous) } else { (Kind::Server, Merges::All) };
            let (_, key) = if sources.iter().any(|known| known.name == name) {
                access.rotate_source(name)?
            } else {
                access.add_source(name, kind, merges, self.began)?
            };
            keys.insert(source, key);
        }
        let token = |name: &str, scope| {
            let is_known = tokens.iter().any(|known| known.name == name);
            if is_known { access.rotate_token(name) } else { access.add_token(name, scope, self.began) }
        };
        let ((_, admin), (_, viewer)) = (token("demo-admin", Scope::Admin)?, token("demo-viewer", Scope::Read)?);
        Ok(Keys { sources: keys, admin, viewer })
    }

    fn marked(&self) -> Result<Option<(u64, Time)>, Failure> {
        let path = self.path.join(MARK);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.fail(&error)),
        };
        let mark: Option<Mark> = toml::from_str(&text).ok();
        let read = mark.and_then(|mark| Some((mark.seed.parse().ok()?, Time::parse(&mark.began)?)));
        read.map(Some)
            .ok_or_else(|| Failure::Failed(format!("{} is damaged; remove {}", path.display(), self.path.display())))
    }

    fn mark(&self) -> Result<(), Failure> {
        let text = format!("seed = \"{}\"\nbegan = \"{}\"\n", self.seed, self.began);
        write_private(&self.path.join(MARK), text.as_bytes()).map_err(|error| self.fail(&error))
    }

    fn fail(&self, error: &std::io::Error) -> Failure {
        Failure::Failed(format!("cannot use {}: {error}", self.path.display()))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if self.is_temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, folder = %self.path.display(), "cannot remove the temporary folder");
        }
    }
}

/// Removes what demos of this user left behind when they were killed.
fn sweep(base: &Path) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let path = entry.path();
        if is_left(&path) && Folder::open(&path).is_ok() {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

/// Whether this is a temporary folder of ours whose process is no more.
fn is_left(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let pid = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next()?.parse().ok());
    let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) else { return false };
    // Not through a link: what it leads to is not ours to remove.
    let is_ours = std::fs::symlink_metadata(path)
        .is_ok_and(|found| found.is_dir() && found.uid() == rustix::process::getuid().as_raw());
    is_ours && rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH) && path.join(MARK).is_file()
}
