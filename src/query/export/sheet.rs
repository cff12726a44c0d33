//! One part of a file: rows in one of the two forms, up to a size.

use serde::Serialize;

use super::csv::Line;
use crate::query::error::QueryError;

/// A part with so many bytes is given out.
const PART_BYTES: usize = 256 << 10;
/// And one with so many rows: the views are held while a part is written.
const PART_ROWS: u64 = 200;

/// The form of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line, as the API shows it.
    #[default]
    Ndjson,
    /// RFC 4180, with a line of names first.
    Csv,
}

impl Form {
    /// Its media type.
    pub const fn media(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// What names of such files end with.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// A part of a file.
#[derive(Debug)]
pub struct Sheet {
    form: Form,
    text: Vec<u8>,
    part_rows: u64,
    rows: u64,
}

impl Sheet {
    /// The beginning of a file with these columns.
    pub fn new(form: Form, columns: &[&str]) -> Self {
        let mut sheet = Self { form, text: Vec::new(), part_rows: 0, rows: 0 };
        if form == Form::Csv {
            let mut line = Line::new(&mut sheet.text);
            for name in columns {
                line.text(name);
            }
            line.end();
        }
        sheet
    }

    /// Writes a row: the object, or its cells.
    pub(super) fn row<T: Serialize>(&mut self, one: &T, cells: impl FnOnce(&mut Line<'_>)) -> Result<(), QueryError> {
        match self.form {
            Form::Csv => {
                let mut line = Line::new(&mut self.text);
                cells(&mut line);
                line.end();
            }
            Form::Ndjson => {
                super::csv::json_into(one, &mut self.text)?;
                self.text.push(b'\n');
            }
        }
        self.part_rows += 1;
        self.rows += 1;
        Ok(())
    }

    /// Whether the part is to be given out before another row.
    pub(super) const fn is_full(&self) -> bool {
        self.text.len() >= PART_BYTES || self.part_rows >= PART_ROWS
    }

    /// Takes out what was written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        self.part_rows = 0;
        std::mem::take(&mut self.text)
    }

    /// Rows so far.
    pub const fn rows(&self) -> u64 {
        self.rows
    }
}
