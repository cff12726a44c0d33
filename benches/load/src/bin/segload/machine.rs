//! What the server costs: CPU and memory of a process tree, blocks on disk of a folder. Linux only, from `/proc`.

use std::collections::HashMap;
use std::path::Path;

/// `sysconf(_SC_CLK_TCK)` of every Linux we meet.
const TICKS_PER_SECOND: f64 = 100.0;
const PAGE_BYTES: u64 = 4096;
const FAMILY_DEPTH_MAX: usize = 64;

/// Of some processes and everything below them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Usage {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: u64,
}

/// What `roots` and all their descendants used so far.
pub(crate) fn usage(roots: &[i32]) -> Usage {
    let mut processes: HashMap<i32, (i32, Usage)> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = rest.split(' ').collect();
        let field = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        let parent = fields.get(1).and_then(|text| text.parse().ok()).unwrap_or(0);
        let pages = fields.get(21).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let cpu_seconds = (field(11) + field(12)) / TICKS_PER_SECOND;
        processes.insert(pid, (parent, Usage { cpu_seconds, resident_bytes: pages * PAGE_BYTES }));
    }
    let mut total = Usage::default();
    for (&pid, (_, usage)) in &processes {
        if is_below(pid, roots, &processes) {
            total.cpu_seconds += usage.cpu_seconds;
            total.resident_bytes += usage.resident_bytes;
        }
    }
    total
}

fn is_below(mut pid: i32, roots: &[i32], processes: &HashMap<i32, (i32, Usage)>) -> bool {
    for _ in 0..FAMILY_DEPTH_MAX {
        if roots.contains(&pid) {
            return true;
        }
        match processes.get(&pid) {
            Some((parent, _)) if *parent > 1 => pid = *parent,
            _ => return false,
        }
    }
    false
}

/// Bytes that a folder takes on disk.
pub(crate) fn folder_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return 0 };
    let below = metadata.is_dir().then(|| std::fs::read_dir(path).into_iter().flatten().flatten());
    metadata.blocks() * 512 + below.into_iter().flatten().map(|entry| folder_bytes(&entry.path())).sum::<u64>()
}
