//! Lines that are seen even when a test passes: seeds, figures, and what could not be tried here.

use std::io::Write as _;

/// Writes a line past the capture of the test harness.
pub(super) fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
