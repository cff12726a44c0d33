//! The command line as clap reads it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::access::token::Scope;
use crate::config::Flags;
use crate::ingest::source::{Kind, Merges};

/// Takes Segment calls, keeps each as one durable record, and gives them back.
#[derive(Debug, Parser)]
#[command(name = "roundtower", version, about)]
pub(super) struct Arguments {
    /// Configuration file; without it ./config.toml, if it is there
    #[arg(long, global = true, value_name = "FILE", env = "ROUNDTOWER_CONFIG")]
    config: Option<PathBuf>,
    /// Data folder
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address to listen on; port 0 picks a free one
    #[arg(long, global = true, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// What to do; `serve` when left out
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

impl Arguments {
    /// What concerns the configuration.
    pub(super) fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), data: self.data.clone(), listen: self.listen.clone() }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server
    Serve,
    /// Look around: serve a temporary data folder with a lively week of a made-up company, and keep traffic coming.
    /// Everything in it is invented, nothing leaves this machine, and no configuration file is read
    Demo(Demo),
    /// Erase a person everywhere, for good: every call, and everything that was made of them
    Erase(Erase),
    /// Write everything out
    Export(Export),
    /// Read Segment calls from a file
    Import(Import),
    /// Read and check the journal, and fold it again to compare the views: one line a finding
    Verify(Verify),
    /// Throw the views away and fold the journal again; prints the digest
    Rebuild,
    /// Destinations: how each stands, stop and go on, deliver again
    #[command(subcommand)]
    Relay(Relay),
    /// Receive calls as a destination would and show each of them, to watch a relay at work; listens on 127.0.0.1:8090
    Sink(Sink),
    /// Write keys
    #[command(subcommand)]
    Source(Source),
    /// API tokens
    #[command(subcommand)]
    Token(Token),
}

/// `erase`.
#[derive(Debug, Args)]
pub(super) struct Erase {
    /// Whom: the id of a person, or `user_id:X`, `anonymous_id:X`, `email:X`
    pub(super) person: String,
    /// Also drop what the person sends later
    #[arg(long)]
    pub(super) suppress: bool,
}

/// `demo`.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// What all choices follow from: the same seed tells the same story [default: 1]. With --data the folder is kept,
    /// and the demo goes on in it next time
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
}

/// `export`.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// What to write
    pub(super) what: What,
    /// The form of the output
    #[arg(long, default_value = "ndjson")]
    pub(super) format: Format,
    /// The first sequence to write, of calls
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    pub(super) from: u64,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum What {
    Calls,
    People,
    Groups,
    Feed,
}

impl What {
    /// In words.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::People => "people",
            Self::Groups => "groups",
            Self::Feed => "calls of the feed",
        }
    }
}

/// Forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Ndjson,
    Csv,
    Parquet,
}

/// `import`.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The file: one Segment call a line, plain or compressed with gzip or zstd; `-` is standard input
    pub(super) file: PathBuf,
    /// The source that the calls count as
    #[arg(long, value_name = "NAME")]
    pub(super) source: String,
    /// Only tell what would change
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// `verify`.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Go on without acknowledged records that are missing at the end of the journal, after a restore was no way out.
    /// What was found is kept beside the journal; the lost sequences are never used again
    #[arg(long)]
    pub(super) accept_loss: bool,
}

/// `sink`.
#[derive(Debug, Args)]
pub(super) struct Sink {
    /// The share of requests that fail, from 0 to 1, evenly spread
    #[arg(long, value_name = "RATE", value_parser = share)]
    pub(super) fail: Option<f64>,
    /// The status that failing requests are answered [default: 503]; without --fail all of them fail
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(300..=599))]
    pub(super) status: Option<u16>,
    /// How long each answer takes, in milliseconds
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) delay_ms: u64,
    /// Show no calls, only count them
    #[arg(long)]
    pub(super) quiet: bool,
}

/// `relay`.
#[derive(Debug, Subcommand)]
pub(super) enum Relay {
    /// Show how destinations stand
    Status {
        /// Its name; all of them when left out
        name: Option<String>,
    },
    /// Stop sending until it is resumed; what comes stays pending
    Pause {
        /// Its name
        name: String,
    },
    /// Go on sending, after a pause or an alarm
    Resume {
        /// Its name
        name: String,
    },
    /// Deliver again: all dead letters, unless told otherwise
    Redeliver(Redeliver),
}

/// `relay redeliver`.
#[derive(Debug, Args)]
pub(super) struct Redeliver {
    /// The destination's name
    pub(super) name: String,
    /// All dead letters
    #[arg(long, conflicts_with_all = ["message_id", "sequence", "from", "to", "type", "event", "state"])]
    pub(super) all_dead: bool,
    /// One call, by its messageId
    #[arg(long, value_name = "ID")]
    pub(super) message_id: Option<String>,
    /// The source of that call, where several have one of that name
    #[arg(long, value_name = "NAME", requires = "message_id")]
    pub(super) source: Option<String>,
    /// One call, by its sequence
    #[arg(long, value_name = "SEQ")]
    pub(super) sequence: Option<u64>,
    /// Where a range begins: a sequence, or a time of receipt
    #[arg(long, value_name = "SEQ or TIME")]
    pub(super) from: Option<String>,
    /// Where a range ends (not included)
    #[arg(long, value_name = "SEQ or TIME")]
    pub(super) to: Option<String>,
    /// Only this type of call
    #[arg(long = "type", id = "type", value_name = "TYPE")]
    pub(super) kind: Option<String>,
    /// Only this event
    #[arg(long, value_name = "NAME")]
    pub(super) event: Option<String>,
    /// `dead` (dead letters, the usual) or `all` (what was delivered, too; needs --from)
    #[arg(long, value_name = "STATE")]
    pub(super) state: Option<String>,
}

/// `source`.
#[derive(Debug, Subcommand)]
pub(super) enum Source {
    /// Make a source; its write key is shown once
    Add {
        /// Its name
        name: String,
        /// Who sends: a server, or browsers and apps, whose key everybody can read
        #[arg(long, default_value = "server", value_parser = kind)]
        kind: Kind,
        /// Whom its aliases may merge: `all`, or `anonymous` visitors only, never two known users
        #[arg(long, default_value = "all", value_parser = merges)]
        merges: Merges,
    },
    /// Show all sources
    List,
    /// Give a source a new write key; the old one stops working at once
    Rotate {
        /// Its name
        name: String,
    },
    /// Drop what the source sends from now on
    Disable {
        /// Its name
        name: String,
    },
    /// Take what the source sends again
    Enable {
        /// Its name
        name: String,
    },
}

/// `token`.
#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Make a token; it is shown once
    Add {
        /// Its name
        name: String,
        /// What it may do: `read` or `admin`
        #[arg(long)]
        scope: Scope,
    },
    /// Show all tokens
    List,
    /// Make a token stop working at once
    Revoke {
        /// Its name
        name: String,
    },
}

fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok();
    share.filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "has to be a number from 0 to 1".to_owned())
}

fn merges(text: &str) -> Result<Merges, String> {
    match text {
        "all" => Ok(Merges::All),
        "anonymous" => Ok(Merges::Anonymous),
        _ => Err("has to be `all` or `anonymous`".to_owned()),
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    match text {
        "server" => Ok(Kind::Server),
        "browser" => Ok(Kind::Browser),
        _ => Err("has to be `server` or `browser`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
