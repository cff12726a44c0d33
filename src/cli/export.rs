//! `export`: everything out, one JSON object a line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::arguments::{Export, Format, What};
use super::output::{Failure, Output};
use super::place::{Place, open_journal};
use super::show;
use crate::call::render;
use crate::config::Config;
use crate::journal::embedded::Journal;
use crate::journal::{Reader as _, Sequence};

/// What one step reads, in bytes.
const SLICE_BYTES: usize = 4 << 20;

/// Runs the command.
///
/// # Errors
/// When the folder cannot be used, the data is damaged, or the output cannot be written.
pub(super) fn run(config: &Config, wanted: &Export, output: Output) -> Result<(), Failure> {
    if wanted.what != What::Calls {
        return Err(Failure::Usage(
            "this version exports `calls`; people, groups and feed come with the views".to_owned(),
        ));
    }
    if wanted.format != Format::Ndjson {
        return Err(Failure::Usage(
            "this version exports `--format ndjson`; csv and parquet come with the views".to_owned(),
        ));
    }
    let from = Sequence::new(wanted.from);
    let place = Place::find(config, false)?;
    let Some(path) = &wanted.out else {
        let written = write(&place, config, from, &mut BufWriter::new(std::io::stdout().lock()));
        return written.map(|_| ());
    };
    let target = Target::create(path)?;
    let mut file = BufWriter::new(&target.file);
    let records = write(&place, config, from, &mut file)?;
    drop(file);
    target.finish()?;
    let text = format!("{records} calls written to {}", show(path));
    output.result(&text, &json!({"records": records, "out": show(path)}));
    Ok(())
}

fn write(place: &Place, config: &Config, from: Sequence, out: &mut impl Write) -> Result<u64, Failure> {
    let records = match place {
        Place::Server(server) => copy(server.stream(&format!("/api/export/calls?from={from}"))?, out)?,
        Place::Folder(folder) => {
            let journal = open_journal(folder, config)?;
            render_all(&journal.0, from, out)?
        }
    };
    ignore_closed(out.flush())?;
    Ok(records)
}

fn render_all(journal: &Journal, from: Sequence, out: &mut impl Write) -> Result<u64, Failure> {
    let (mut from, mut records, mut text) = (from, 0, Vec::new());
    loop {
        let slice = journal.read(from, SLICE_BYTES)?;
        if slice.is_empty() {
            return Ok(records);
        }
        text.clear();
        for record in slice.records() {
            let record = record?;
            render::export_line(&record.call, record.source, record.received_at, record.sequence.get(), &mut text);
            text.push(b'\n');
            records += 1;
        }
        if !ignore_closed(out.write_all(&text))? {
            return Ok(records);
        }
        from = slice.next;
    }
}

fn copy(stream: impl Read, out: &mut impl Write) -> Result<u64, Failure> {
    let (mut stream, mut line, mut records) = (BufReader::with_capacity(1 << 16, stream), Vec::new(), 0);
    loop {
        line.clear();
        let read = stream.read_until(b'\n', &mut line).map_err(|_| {
            Failure::Failed(format!("the export broke off after {records} calls; `roundtower verify` tells more"))
        })?;
        if read == 0 || !ignore_closed(out.write_all(&line))? {
            return Ok(records);
        }
        records += 1;
    }
}

/// Whether writing can go on: a reader that left (`| head`) ends the export without a failure.
fn ignore_closed(written: std::io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Failed(format!("cannot write the export: {error}"))),
    }
}

/// A file that appears under its name only when it is whole.
struct Target {
    file: File,
    path: PathBuf,
    partial: Option<PathBuf>,
}

impl Target {
    fn create(path: &Path) -> Result<Self, Failure> {
        let special = path.exists() && !path.is_file();
        let partial = (!special).then(|| {
            let mut name = path.as_os_str().to_owned();
            name.push(".part");
            PathBuf::from(name)
        });
        let at = partial.as_deref().unwrap_or(path);
        let file = File::create(at).map_err(|error| Failure::Failed(format!("cannot write {}: {error}", show(at))))?;
        Ok(Self { file, path: path.to_owned(), partial })
    }

    fn finish(self) -> Result<(), Failure> {
        let Some(partial) = &self.partial else { return Ok(()) };
        let moved = self.file.sync_all().and_then(|()| std::fs::rename(partial, &self.path));
        moved.map_err(|error| Failure::Failed(format!("cannot write {}: {error}", show(&self.path))))
    }
}
