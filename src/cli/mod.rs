//! The commands. Each runs on the data folder itself, or, when a server holds it, through that server.
//!
//! Results go to standard output, as text or with `--json` as one JSON value; everything else goes to standard error.
//! Exit status: 0 fine, 1 failed, 2 bad usage or configuration, 3 damaged data.

mod arguments;
mod demo;
mod erase;
mod export;
mod import;
mod input;
mod output;
mod place;
mod rebuild;
mod relay;
mod remote;
mod sink;
mod source;
mod token;
mod verify;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use crate::app::{self, Start};
use crate::call::secret::Secret;
use crate::config::Config;
use crate::telemetry;
use arguments::{Arguments, Command};
use output::{Failure, Output};

/// Runs the command that the arguments name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let all: Vec<OsString> = arguments.into_iter().collect();
    let program = all.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let arguments = match Arguments::try_parse_from(all) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let output = Output::new(arguments.json);
    match command(arguments, program, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.status())
        }
    }
}

fn command(arguments: Arguments, program: String, output: Output) -> Result<(), Failure> {
    let flags = arguments.flags();
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let command = arguments.command.unwrap_or(Command::Serve);
    let config = match &command {
        Command::Demo(_) => demo::config(&flags),
        _ => Config::load(&flags, environment).map_err(|error| Failure::Usage(error.to_string()))?,
    };
    telemetry::start_logging(&config.log, config.log_format).map_err(Failure::Usage)?;
    let admin_token = admin_token()?;
    match command {
        Command::Serve => {
            let start = Start { admin_token, program, config_file: flags.config };
            app::serve(&config, &start).map_err(Failure::from)
        }
        Command::Demo(wanted) => demo::run(config, &wanted, flags.data.as_deref(), program),
        Command::Erase(wanted) => erase::run(&config, &wanted, output),
        Command::Export(wanted) => export::run(&config, &wanted, output),
        Command::Import(wanted) => import::run(&config, &wanted, output),
        Command::Verify(arguments) => verify::run(&config, &arguments, output),
        Command::Rebuild => rebuild::run(&config, output),
        Command::Relay(wanted) => relay::run(&config, wanted, output),
        Command::Sink(wanted) => sink::run(&wanted, flags.listen.as_deref(), output),
        Command::Source(wanted) => source::run(&config, wanted, output),
        Command::Token(wanted) => token::run(&config, wanted, output),
    }
}

fn admin_token() -> Result<Option<Secret>, Failure> {
    match std::env::var("ROUNDTOWER_ADMIN_TOKEN") {
        Ok(token) if token.is_empty() => Err(Failure::Usage(
            "environment variable ROUNDTOWER_ADMIN_TOKEN: is empty; set it to a long random text".to_owned(),
        )),
        Ok(token) => Ok(Some(Secret::new(token))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::Usage("environment variable ROUNDTOWER_ADMIN_TOKEN: is no text".to_owned()))
        }
    }
}

/// A path for people.
fn show(path: &Path) -> String {
    path.display().to_string()
}
