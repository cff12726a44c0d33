//! `export`: everything out: calls as one JSON object a line, people, groups and the feed also as CSV.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::arguments::{Export, Format, What};
use super::output::{Failure, Output};
use super::place::{Place, open_journal, open_views};
use super::show;
use crate::call::render;
use crate::config::Config;
use crate::journal::embedded::Journal;
use crate::journal::{Reader as _, Sequence};
use crate::query::export::{FeedRows, Form, GroupRows, Order, PeopleRows, PeopleWanted, Rows, Sheet};
use crate::query::feed::FeedFilter;
use crate::query::people::{Anonymous, PeopleFilter, Sort};
use crate::views::{Views, search};

/// What one step reads, in bytes.
const SLICE_BYTES: usize = 4 << 20;
/// What is taken of a server's answer at once, in bytes.
const COPY_BYTES: usize = 1 << 16;

/// Runs the command.
///
/// # Errors
/// When the folder cannot be used, the data is damaged, or the output cannot be written.
pub(super) fn run(config: &Config, wanted: &Export, output: Output) -> Result<(), Failure> {
    check(wanted)?;
    let place = Place::find(config, false)?;
    let Some(path) = &wanted.out else {
        let written = write(&place, config, wanted, &mut BufWriter::new(std::io::stdout().lock()));
        return written.map(|_| ());
    };
    let target = Target::create(path)?;
    let mut file = BufWriter::new(&target.file);
    let records = write(&place, config, wanted, &mut file)?;
    drop(file);
    target.finish()?;
    let text = format!("{records} {} written to {}", wanted.what.as_str(), show(path));
    output.result(&text, &json!({"records": records, "out": show(path)}));
    Ok(())
}

fn check(wanted: &Export) -> Result<(), Failure> {
    let refuse = |text: &str| Err(Failure::Usage(text.to_owned()));
    match (wanted.what, wanted.format) {
        (_, Format::Parquet) => refuse("this version exports no parquet; take `--format csv` or `ndjson`"),
        (What::Calls, Format::Csv) => refuse("calls are exported as `--format ndjson`, which imports again"),
        (What::Calls, Format::Ndjson) => Ok(()),
        _ if wanted.from != 1 => refuse("`--from` is for `export calls`: views have no beginning"),
        _ => Ok(()),
    }
}

fn write(place: &Place, config: &Config, wanted: &Export, out: &mut impl Write) -> Result<u64, Failure> {
    let form = if wanted.format == Format::Csv { Form::Csv } else { Form::Ndjson };
    let records = match (place, wanted.what) {
        (Place::Server(server), what) => {
            let ending = form.ending();
            let path = match what {
                What::Calls => format!("/api/export/calls?from={}", wanted.from),
                // Everything, also what lists leave out unless they are asked.
                What::People => format!("/api/export/people?anonymous=true&format={ending}"),
                What::Groups => format!("/api/export/groups?format={ending}"),
                What::Feed => format!("/api/export/feed?hidden=true&format={ending}"),
            };
            copy(server.stream(&path)?, form, what, out)?
        }
        (Place::Folder(folder), What::Calls) => {
            let journal = open_journal(folder, config)?;
            render_all(&journal.0, Sequence::new(wanted.from), out)?
        }
        (Place::Folder(folder), what) => {
            let journal = open_journal(folder, config)?;
            let views = open_views(folder, &journal, config)?;
            write_views(&views.0, what, form, out)?
        }
    };
    ignore_closed(out.flush())?;
    Ok(records)
}

/// Everything of a view, as the server's routes write it.
fn write_views(views: &Views, what: What, form: Form, out: &mut impl Write) -> Result<u64, Failure> {
    match what {
        What::Groups => write_rows(views, GroupRows::new(None), form, out),
        What::Feed => {
            let filter = FeedFilter { hidden: true, ..FeedFilter::default() };
            write_rows(views, FeedRows::new(filter), form, out)
        }
        What::People | What::Calls => {
            let everybody = PeopleFilter { anonymous: Anonymous::Include, ..PeopleFilter::default() };
            let wanted = PeopleWanted {
                filter: everybody,
                index: search::Filter::default(),
                needs_index: false,
                order: Order::Number(Sort::LastSeen),
                is_descending: true,
            };
            write_rows(views, PeopleRows::open(views, &wanted)?, form, out)
        }
    }
}

fn write_rows(views: &Views, mut rows: impl Rows, form: Form, out: &mut impl Write) -> Result<u64, Failure> {
    let mut sheet = Sheet::new(form, rows.columns());
    loop {
        let goes_on = views.read(|snapshot| rows.write(snapshot, &mut sheet))?;
        if !ignore_closed(out.write_all(&sheet.take()))? || !goes_on {
            return Ok(sheet.rows());
        }
    }
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
            if record.is_erased() {
                continue;
            }
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

fn copy(mut stream: impl Read, form: Form, what: What, out: &mut impl Write) -> Result<u64, Failure> {
    let (mut some, mut counted) = (vec![0; COPY_BYTES], Counted::new(form));
    loop {
        let length = stream.read(&mut some).map_err(|_| {
            let (rows, name) = (counted.rows(), what.as_str());
            let why = if what == What::Calls { "`roundtower verify` tells more" } else { "the server's log tells why" };
            Failure::Failed(format!("the export broke off after {rows} {name}; {why}"))
        })?;
        let read = some.get(..length).unwrap_or_default();
        if length == 0 || !ignore_closed(out.write_all(read))? {
            return Ok(counted.rows());
        }
        counted.add(read);
    }
}

/// How many rows came: lines, without the names of columns and without line ends inside of cells.
struct Counted {
    lines: u64,
    is_csv: bool,
    is_quoted: bool,
}

impl Counted {
    fn new(form: Form) -> Self {
        Self { lines: 0, is_csv: form == Form::Csv, is_quoted: false }
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'"' if self.is_csv => self.is_quoted = !self.is_quoted,
                b'\n' if !self.is_quoted => self.lines += 1,
                _ => {}
            }
        }
    }

    fn rows(&self) -> u64 {
        self.lines.saturating_sub(u64::from(self.is_csv))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_and_lines_in_cells_are_not() {
        let count = |form, text: &str| {
            let mut counted = Counted::new(form);
            text.as_bytes().chunks(3).for_each(|some| counted.add(some));
            counted.rows()
        };
        assert_eq!(count(Form::Csv, "id,name\r\n1,\"a\n\"\"b\"\"\r\n\"\r\n2,c\r\n"), 2);
        assert_eq!(count(Form::Csv, "id,name\r\n"), 0);
        assert_eq!(count(Form::Csv, ""), 0);
        assert_eq!(count(Form::Ndjson, "{\"a\":\"\\\"\"}\n{}\n"), 2);
    }
}
